export { type AllowedStrategies, chooseStrategy, type RecipeFacts } from './choose.ts';
export { changesBetween, compose } from './compose/compose.ts';

export { formatLock, formatLocks, parseLock, parseLocks } from './compose/lock.ts';
export type { Lock, LockedPackage, LockedRepository } from './compose/lock-form.ts';
export { lockRecipe } from './compose/lock-recipe.ts';
export { otherPlatforms } from './compose/platforms.ts';
export type { ComposeBase, ComposedImage, ComposeRequest } from './compose/types.ts';
export { createLayerFactsReader, type LayerFactsReader } from './layers/layer-facts.ts';
export type { LayerFacts } from './layers/types.ts';
export { type ApkDatabaseFiles, readApkFiles } from './patch/apk/read-state.ts';
export { canRunDpkg } from './patch/deb-family.ts';
export { PATCH_ANNOTATION, withoutPatchLayer } from './patch/original.ts';
export { patch } from './patch/patch.ts';
export { createPatchMemory, type PatchMemory } from './patch/patch-memory.ts';
export { openPatchRoot, type PatchRoot } from './patch/patch-root.ts';
export { createSolutionMemory, type SolutionMemory } from './patch/solution-memory.ts';
export type { PatchRequest, PatchTools } from './patch/types.ts';

export { type PreparedBase, prepareBase } from './rebase/prepare-base.ts';
export { type RebaseResult, rebase } from './rebase/rebase.ts';
export type { RebaseConflict, RebaseReport } from './rebase/report.ts';
export type { RebaseRequest } from './rebase/request.ts';
export { createBuildah } from './rebuild/drivers/buildah.ts';
export { type DockerfileLock, formatDockerfileLock, parseDockerfileLock, withPlatform } from './rebuild/lock.ts';
export { rebuild } from './rebuild/rebuild.ts';
export { openContentStore } from './rebuild/snapshot/content-store.ts';
export type { LockMode, RebuildRequest, RebuildTools, RebuiltImage } from './rebuild/types.ts';
export type { BuildStatistics, BuiltImage, PackageChange, Strategy } from './types.ts';
