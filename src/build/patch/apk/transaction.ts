import { type ApkChange, type ApkInstalledRecord, matchesPath } from '../../../distro/index.ts';
import type { ApkRoot, RootScript } from './apk-root.ts';
import type { ApkState } from './apk-state.ts';
import { installFiles, type OpenedApk, removeFiles } from './install-package.ts';

/** What is done with a root, in apk's order; packages that stay are in it, for the order of triggers. */
export interface ApkTransaction {
  readonly changes: readonly ApkChange[];
  /** Packages to be installed, by name. */
  readonly opened: ReadonlyMap<string, OpenedApk>;
  /** Programs that the image's owner has run before and after: path below the root → content. */
  readonly hooks: ReadonlyMap<string, Buffer>;
}

/** Kinds of scripts that a step runs, and when. */
const KINDS = {
  install: ['pre-install', 'post-install'],
  upgrade: ['pre-upgrade', 'post-upgrade'],
  remove: ['pre-deinstall', 'post-deinstall'],
} as const;

const scriptOf = (kind: string, record: ApkInstalledRecord, content: Buffer, args: readonly string[]): RootScript => ({
  name: `${record.name} ${record.version} ${kind}`,
  content,
  args,
  environment: { APK_SCRIPT: kind, APK_PACKAGE: record.name },
});

/**
 * The scripts that a transaction runs before its triggers, without running any; of triggers, those that its packages'
 * folders set off.
 */
export function scriptsOf({ changes, opened, hooks }: ApkTransaction, state: ApkState): readonly RootScript[] {
  const touched = new Set<string>();
  const scripts: RootScript[] = [...hooks].map(([name, content]) => ({ name, content, args: [], environment: {} }));
  for (const { name, from, to, stays } of changes) {
    if (stays) continue;
    const next = to === undefined ? undefined : opened.get(name);
    for (const record of [from, next?.record]) for (const { path } of record?.folders ?? []) touched.add(path);
    const kinds = to === undefined ? KINDS.remove : from === undefined ? KINDS.install : KINDS.upgrade;
    const record = next?.record ?? from;
    const own = next === undefined ? state.scripts.get(from?.identity ?? '') : next.archive.scripts;
    for (const kind of kinds) {
      const content = own?.get(kind);
      if (content !== undefined && record !== undefined) scripts.push(scriptOf(kind, record, content, []));
    }
  }
  for (const { name, from, to, stays } of changes) {
    if (!stays && to === undefined) continue;
    const archive = to === undefined ? undefined : opened.get(name)?.archive;
    const record = opened.get(name)?.record ?? from;
    const patterns = archive?.info.triggers ?? state.triggers.get(from?.identity ?? '') ?? [];
    const content = (archive?.scripts ?? state.scripts.get(from?.identity ?? ''))?.get('trigger');
    if (record === undefined || content === undefined) continue;
    if (archive !== undefined || firedBy(patterns, touched, touched, false).length > 0) {
      scripts.push(scriptOf('trigger', record, content, []));
    }
  }
  return scripts;
}

/** Folders that set a trigger off; patterns that begin with `+` want changed ones alone. */
function firedBy(
  patterns: readonly string[],
  folders: Iterable<string>,
  modified: ReadonlySet<string>,
  all: boolean,
): readonly string[] {
  const fired: string[] = [];
  for (const folder of folders) {
    if (!all && !modified.has(folder)) continue;
    const first = patterns.find((pattern) => matchesPath(pattern.replace(/^\+/, ''), `/${folder}`));
    if (first !== undefined && (!first.startsWith('+') || modified.has(folder))) fired.push(`/${folder}`);
  }
  return fired.sort();
}

/**
 * Does it: hooks, each package with its scripts, triggers. The database is not part of it.
 * @throws PATCH_FAILED, PATCH_SCRIPTS_NEEDED
 */
export async function runTransaction(
  transaction: ApkTransaction,
  state: ApkState,
  root: ApkRoot,
  runs: boolean,
): Promise<void> {
  const run = async (script: RootScript): Promise<void> => {
    if (runs) await root.run(script);
  };
  const hook = async (kind: string): Promise<void> => {
    for (const [name, content] of transaction.hooks) {
      await run({ name, content, args: [kind], environment: { APK_SCRIPT: kind } });
    }
  };
  await hook('pre-commit');
  const fresh = await takeSteps(transaction, state, root, run);
  for (const { name } of transaction.changes) {
    const record = state.records.get(name);
    const content = record === undefined ? undefined : state.scripts.get(record.identity)?.get('trigger');
    if (record === undefined || content === undefined) continue;
    const patterns = state.triggers.get(record.identity) ?? [];
    const folders = [...state.folders(), ...state.modified];
    const args = firedBy(patterns, new Set(folders), state.modified, fresh.has(name));
    if (args.length > 0) await run(scriptOf('trigger', record, content, args));
  }
  await hook('post-commit');
}

/** @returns names of packages that were installed: their triggers run for all folders */
async function takeSteps(
  { changes, opened }: ApkTransaction,
  state: ApkState,
  root: ApkRoot,
  run: (script: RootScript) => Promise<void>,
): Promise<ReadonlySet<string>> {
  const fresh = new Set<string>();
  const leaving = new Set(changes.filter(({ stays, from }) => !stays && from !== undefined).map(({ name }) => name));
  for (const { name, to, stays } of changes) {
    if (stays) continue;
    const old = state.records.get(name);
    const next = to === undefined ? undefined : opened.get(name);
    const context = { root, state, leaving };
    const scripts = next?.archive.scripts ?? state.scripts.get(old?.identity ?? '');
    const record = next?.record ?? old;
    if (record === undefined) continue;
    const args = next === undefined ? [record.version] : [record.version, ...(old === undefined ? [] : [old.version])];
    const [before, after] = next === undefined ? KINDS.remove : old === undefined ? KINDS.install : KINDS.upgrade;
    const call = async (kind: string): Promise<void> => {
      const content = scripts?.get(kind);
      if (content !== undefined) await run(scriptOf(kind, record, content, args));
    };
    await call(before);
    if (next !== undefined) {
      installFiles(next, old, context);
      fresh.add(name);
    } else if (old !== undefined) {
      state.forget(old);
      removeFiles(old, new Set(), context);
    }
    leaving.delete(name);
    await call(after);
  }
  return fresh;
}
