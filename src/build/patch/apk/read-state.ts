import {
  type ApkDependency,
  type ApkInstalledRecord,
  DEFAULT_PROTECTED,
  PROTECTED_PATHS_FOLDER,
  type ProtectedPath,
  parseDependencies,
  parseProtectedPaths,
  readInstalledRecords,
  readScripts,
  readTriggers,
} from '../../../distro/index.ts';
import type { FlatTree, ResolvedImage } from '../../../oci/index.ts';
import { patchError } from '../errors.ts';
import { canonicalPath } from '../file-level.ts';
import { readFiles } from '../read-files.ts';
import { ApkState } from './apk-state.ts';

const DATABASE = 'lib/apk/db';
const WORLD = 'etc/apk/world';
const HOOKS = ['etc/apk/commit_hooks.d', 'lib/apk/commit_hooks.d'] as const;

/** What apk keeps in an image, and where. */
export interface ApkDatabaseFiles {
  /** Real folder that holds it. */
  readonly folder: string;
  readonly records: readonly ApkInstalledRecord[];
  /** What the owner asked for; where nobody noted it, all that is installed. */
  readonly world: readonly ApkDependency[];
  /** Names as apk's v2 database has them → bytes. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly protectedPaths: readonly ProtectedPath[];
  /** Programs that the owner has run before and after each change, by real path. */
  readonly hooks: ReadonlyMap<string, Buffer>;
}

/** @throws PATCH_NO_DATABASE, DISTRO_CONTROL_INVALID, DISTRO_CONTROL_LIMIT */
export async function readApkFiles(image: ResolvedImage, tree: FlatTree): Promise<ApkDatabaseFiles> {
  const folder = [DATABASE, `usr/${DATABASE}`]
    .map((path) => canonicalPath(path, tree))
    .find((path) => tree.get(`${path}/installed`)?.entry.type === 'file');
  if (folder === undefined) throw noDatabase(image, tree);
  const names = ['installed', 'triggers', 'scripts.tar', 'scripts.tar.gz'].map((name) => `${folder}/${name}`);
  const world = canonicalPath(WORLD, tree);
  const lists = filesIn(tree, PROTECTED_PATHS_FOLDER).filter((path) => path.endsWith('.list'));
  const hooks = HOOKS.flatMap((path) => filesIn(tree, path)).filter((path) => isProgram(tree, path));
  const found = await readFiles(image, tree, new Set([...names, world, ...lists, ...hooks]));
  const records = readInstalledRecords(found.get(`${folder}/installed`) ?? new Uint8Array());
  const asked = found.get(world);
  const text = (path: string): string => Buffer.from(found.get(path) ?? '').toString('utf8');
  return {
    folder,
    records,
    world: parseDependencies(asked === undefined ? records.map(({ name }) => name).join(' ') : text(world).trim()),
    files: new Map(
      [...found].map(([path, bytes]) => [path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path, bytes]),
    ),
    protectedPaths: parseProtectedPaths([...DEFAULT_PROTECTED, ...lists.flatMap((path) => text(path).split('\n'))]),
    hooks: new Map(hooks.map((path) => [path, Buffer.from(found.get(path) ?? '')])),
  };
}

/** Files right in a folder, by name; hidden ones aside. */
function filesIn(tree: FlatTree, folder: string): readonly string[] {
  const real = canonicalPath(folder, tree);
  return [...tree.keys()]
    .filter((path) => path.startsWith(`${real}/`) && /^[^./][^/]*$/.test(path.slice(real.length + 1)))
    .sort();
}

const isProgram = (tree: FlatTree, path: string): boolean => {
  const entry = tree.get(path)?.entry;
  return entry?.type === 'file' && (entry.mode & 0o111) !== 0;
};

function noDatabase(image: ResolvedImage, tree: FlatTree): Error {
  const isBinary = [DATABASE, `usr/${DATABASE}`].some((path) => tree.has(`${canonicalPath(path, tree)}/installed.adb`));
  const what = isBinary ? 'keeps its packages in apk 3’s binary database alone' : 'has no apk database';
  return patchError('PATCH_NO_DATABASE', `${image.digest} ${what}`, {
    hint: 'Rebuild it; images with lib/apk/db/installed, as apk 2 and 3 write it by default, are patched.',
  });
}

export function stateOf({ records, files, protectedPaths }: ApkDatabaseFiles): ApkState {
  const archive = files.get('scripts.tar') ?? files.get('scripts.tar.gz');
  const scripts = archive === undefined || archive.byteLength === 0 ? new Map() : readScripts(archive);
  return new ApkState(records, scripts, readTriggers(files.get('triggers') ?? new Uint8Array()), protectedPaths);
}
