export { createLayerFactsReader, type LayerFacts, type LayerFactsReader } from './layers/layer-facts.ts';
export { patchErrors } from './patch/errors.ts';
export { PATCH_ANNOTATION } from './patch/original.ts';
export { type PatchRequest, type PatchTools, patch } from './patch/patch.ts';
export { rebaseErrors } from './rebase/errors.ts';
export { type PreparedBase, prepareBase, type RebaseRequest, type RebaseResult, rebase } from './rebase/rebase.ts';
export { describeConflict, type RebaseConflict, type RebaseReport } from './rebase/report.ts';
export type { BuildStatistics, BuiltImage, PackageChange, Strategy } from './types.ts';
