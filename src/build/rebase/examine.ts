import type { LayerItem } from '../../oci/index.ts';
import { topmostFile } from '../layers/read-facts.ts';
import type { LayerFacts } from '../layers/types.ts';
import { checkAccounts } from './accounts.ts';
import type { BasePair } from './base-pair.ts';
import { checkDerived, checkTriggers } from './derived.ts';
import { checkEditedCopies } from './edited-copies.ts';
import { checkInterpreters } from './interpreters.ts';
import { judgePaths } from './judge-paths.ts';
import { checkLibraries } from './libraries.ts';
import { configConflicts } from './merge-config.ts';
import { mergeDatabases } from './merge-databases.ts';
import type { OwnChanges } from './own-changes.ts';
import { judgePatterns } from './patterns.ts';
import { readOwnFiles } from './read-files.ts';
import type { RebaseConflict, RebaseReport } from './report.ts';
import type { RebaseRequest } from './request.ts';
import { resultRoot } from './result-root.ts';
import { checkRuntimes } from './runtimes.ts';
import { settleAll } from './settle.ts';
import { checkToldVersions } from './told-versions.ts';

const TRIGGERS = 'var/lib/dpkg/triggers/File';

export interface Examined {
  readonly report: RebaseReport;
  /** What stands in the merged layer. */
  readonly items: readonly LayerItem[];
}

/**
 * The safety report of a rebase, and what is to be merged into a layer of its own; writes nothing.
 *
 * @param copied positions of own layers that hold nothing but copied files
 */
export async function examine(
  { child, oldBase, newBase }: RebaseRequest,
  pair: BasePair,
  own: OwnChanges,
  facts: readonly LayerFacts[],
  copied: ReadonlySet<number>,
): Promise<Examined> {
  const first = oldBase.diffIds.length;
  const readOwn = (paths: readonly string[]) => readOwnFiles(child, own, facts, first, paths);
  const judged = judgePaths(own, pair);
  const databases = judged.touchesDatabase ? mergeDatabases(own, facts, pair) : undefined;
  const isPackaged = (path: string): boolean => databases?.ownFiles.has(path) === true;
  const {
    ownPackages = new Set<string>(),
    agreedPackages = new Set<string>(),
    removedFiles = new Set<string>(),
  } = databases ?? {};
  const settled = await settleAll({
    ...{ pair, own, settlements: judged.settlements, copied, ownPackages, agreedPackages, readOwn },
  });
  const restored = new Set(settled.restored);
  const roots = [oldBase, newBase].map((base, at) =>
    resultRoot(base, own, facts, pair, at === 0 ? new Set() : restored),
  ) as [ReturnType<typeof resultRoot>, ReturnType<typeof resultRoot>];
  const [before, after] = roots;
  const config = child.config.config;
  const linked = facts.flatMap((fact, layer) =>
    fact.linked.filter(({ path }) => own.writes.get(path)?.layer === layer && !restored.has(path)),
  );
  const scripts = facts.flatMap((fact, layer) =>
    fact.scripts.filter(({ path }) => own.writes.get(path)?.layer === layer),
  );
  const environment = config?.Env ?? [];
  const libraries = await checkLibraries({
    ...{ pair, linked, before, after, environment, readOwn },
    isOwn: (path) => own.writes.has(path) && !restored.has(path),
  });
  const command = [...(config?.Entrypoint ?? []), ...(config?.Cmd ?? [])];
  const triggers = {
    old: topmostFile(oldBase.facts, TRIGGERS),
    new: topmostFile(newBase.facts, TRIGGERS),
    own: topmostFile(facts, TRIGGERS),
  };
  const conflicts: readonly RebaseConflict[] = [
    ...releaseConflicts(pair, databases?.ownPackages.size ?? 0, child.config),
    ...(databases?.conflicts ?? []),
    ...judged.conflicts.filter((one) => one.kind !== 'path' || !settled.links.has(one.path)),
    ...settled.conflicts,
    ...judgePatterns(judged.edits, pair, removedFiles, (path) => own.writes.get(path)?.entry),
    ...checkDerived(
      own,
      pair,
      linked.map(({ path }) => path),
      (path) => isPackaged(path) || restored.has(path),
    ),
    ...(await checkEditedCopies(own, pair, linked, isPackaged, readOwn)),
    ...(await checkToldVersions(own, pair, copied, isPackaged, readOwn)),
    ...checkTriggers(triggers, own, pair, isPackaged),
    ...checkAccounts(pair, own, facts, config?.User),
    ...libraries.conflicts,
    ...checkInterpreters(scripts, before, after, environment),
    ...checkRuntimes(pair, own.writes.keys(), scripts, command),
    ...configConflicts(oldBase.image.config.config, newBase.image.config.config, config),
  ];
  const files = [...(databases?.files ?? [])].filter(([path, bytes]) => !sameAs(topmostFile(facts, path), bytes));
  const items: LayerItem[] = files.map(([path, bytes]) => {
    const { mode = 0o644, uid = 0, gid = 0, mtime = 0 } = newBase.tree.get(path)?.entry ?? {};
    return { header: { path, type: 'file', mode, uid, gid, mtime, size: bytes.byteLength }, content: bytes };
  });
  return {
    report: {
      safe: conflicts.length === 0,
      conflicts,
      overlapping: [...judged.overlapping, ...settled.kept].sort(),
      merged: [...files.map(([path]) => path), ...settled.merged].sort(),
      restored: settled.restored,
      librariesChecked: libraries.checked,
      packages: pair.packages,
    },
    items: [...items, ...settled.items],
  };
}

const sameAs = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && Buffer.from(a).equals(b);

/** Packages of one release are not those of another: built anew, the child would have others. */
function releaseConflicts(
  { oldBase, newBase }: BasePair,
  ownPackages: number,
  child: { readonly architecture: string; readonly os: string },
): readonly RebaseConflict[] {
  const { architecture, os } = newBase.image.config;
  if (architecture !== child.architecture || os !== child.os) {
    const reason = 'an image runs on the platform it was built for';
    return [{ kind: 'release', from: `${child.os}/${child.architecture}`, to: `${os}/${architecture}`, reason }];
  }
  if (ownPackages === 0 || majorOf(oldBase.release) === majorOf(newBase.release)) return [];
  return [
    {
      kind: 'release',
      from: oldBase.release,
      to: newBase.release,
      reason: 'the child has packages of the old release',
    },
  ];
}

/** `alpine 3.20.1` and `alpine 3.20.3` are one release. */
const majorOf = (release: string): string => release.split('.').slice(0, 2).join('.');
