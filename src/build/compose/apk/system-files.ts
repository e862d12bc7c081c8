import type { ApkFile } from '../../../distro/index.ts';
import type { ApkRoot } from '../../patch/apk/apk-root.ts';
import type { ApkState } from '../../patch/apk/apk-state.ts';
import { packageArchitecture } from '../architecture.ts';
import type { ComposeRequest } from '../types.ts';
import type { FillInput } from './types.ts';
import { worldOf } from './world.ts';

const BUSYBOX = 'bin/busybox';
/** What busybox's package says of the names that it answers to; the same list that its scripts go by. */
const APPLETS = 'etc/busybox-paths.d/busybox';
const MAX_APPLETS = 2000;

/**
 * What apk writes besides packages' files: its database, what was asked for, the architecture. Without scripts also the
 * links of busybox, which its scripts would make.
 */
export function systemFiles(
  request: ComposeRequest,
  { base, packages, epoch }: FillInput,
  state: ApkState,
  root: ApkRoot,
  runs: boolean,
): readonly ApkFile[] {
  if (packages.length === 0) return [];
  const file = (path: string, content: Buffer): ApkFile => ({
    ...{ path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: content.length, mtime: epoch, content },
  });
  const name = base.scripts ?? (usesApk2(state) ? 'scripts.tar' : 'scripts.tar.gz');
  const scripts = state.scriptsArchive(name === 'scripts.tar' ? 'none' : 'gzip');
  return [
    file(`${base.database}/installed`, state.database()),
    file(`${base.database}/triggers`, state.triggersFile()),
    ...(state.scripts.size > 0 || base.scripts !== undefined || usesApk2(state)
      ? [file(`${base.database}/${name}`, scripts)]
      : []),
    file('etc/apk/world', Buffer.from(worldOf(request.recipe, base.world).text)),
    file('etc/apk/arch', Buffer.from(`${packageArchitecture('alpine', request.architecture)}\n`)),
    ...(runs ? [] : appletLinks(root, epoch)),
  ];
}

/** apk 2 knows only the archive that is not compressed. */
const usesApk2 = (state: ApkState): boolean => /^[0-2]\./.test(state.records.get('apk-tools')?.version ?? '');

/** `busybox --install -s` without running it: links where nothing stands yet. */
function appletLinks(root: ApkRoot, mtime: number): readonly ApkFile[] {
  const list = root.read(root.real(APPLETS));
  if (list === undefined || root.entry(root.real(BUSYBOX)) === undefined) return [];
  const paths = Buffer.from(list).toString('utf8').split(/\s+/).slice(0, MAX_APPLETS);
  return paths
    .map((path) => path.replace(/^\/+/, ''))
    .filter((path) => /^(?:usr\/)?s?bin\/[\w.[-]+$|^linuxrc$/.test(path) && root.entry(root.real(path)) === undefined)
    .map((path) => ({
      ...{ path, type: 'symlink', mode: 0o777, uid: 0, gid: 0, size: 0, mtime },
      ...{ linkName: `/${BUSYBOX}`, content: Buffer.alloc(0) },
    }));
}
