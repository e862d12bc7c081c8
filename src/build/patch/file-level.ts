import { createHash } from 'node:crypto';
import type { TarHeader } from '../../archive/index.ts';
import type { RepositoryPackage, StatusDatabase } from '../../distro/index.ts';
import { type FlatTree, type LayerItem, whiteoutOf } from '../../oci/index.ts';
import { realPath } from './real-path.ts';

/** A package file, read. */
export interface OpenedPackage {
  readonly pkg: RepositoryPackage;
  /** control, conffiles, md5sums, … by name. */
  readonly control: ReadonlyMap<string, Uint8Array>;
  readonly stanza: StatusDatabase['stanzas'][number];
  readonly data: readonly (TarHeader & { readonly content: Uint8Array })[];
}

export interface FileLevelInput {
  readonly tree: FlatTree;
  readonly status: StatusDatabase;
  readonly upgrades: readonly OpenedPackage[];
  /** Paths a package had installed, as the image's database or md5sums file records them; undefined when it does not. */
  installedFiles(name: string, architecture: string): readonly string[] | undefined;
  /** Content of a file of the image. */
  read(path: string): Promise<Uint8Array | undefined>;
}

/**
 * The layer that upgrades packages of an image in which no package manager and no script can run (distroless style):
 * new files, whiteouts for files that are gone, configuration files by dpkg's rule. The package database is not part
 * of it.
 */
export async function fileLevelChanges(input: FileLevelInput): Promise<readonly LayerItem[]> {
  const items = new Map<string, LayerItem>();
  const kept = new Set<string>();
  for (const upgrade of input.upgrades) {
    const conffiles = input.status.packages.find(
      (pkg) => pkg.name === upgrade.pkg.name && pkg.architecture === upgrade.pkg.architecture,
    )?.conffiles;
    for (const entry of upgrade.data) {
      const path = canonicalPath(entry.path, input.tree);
      kept.add(path);
      if (entry.type === 'directory' && input.tree.get(path)?.entry.type === 'directory') continue;
      const modified = await conffileModified(path, conffiles?.get(`/${entry.path}`), input);
      const target = modified ? `${path}.dpkg-dist` : path;
      items.set(target, {
        header: {
          ...entry,
          path: target,
          ...(entry.type === 'hardlink' ? { linkName: canonicalPath(entry.linkName ?? '', input.tree) } : {}),
        },
        ...(entry.type === 'file' ? { content: entry.content } : {}),
      });
    }
  }
  for (const path of removedFiles(input, kept)) {
    items.set(whiteoutOf(path), {
      header: { path: whiteoutOf(path), type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0 },
      content: new Uint8Array(),
    });
  }
  return [...items.values()];
}

/** dpkg keeps a configuration file that differs from what the old package shipped (policy 10.7.3). */
async function conffileModified(path: string, recorded: string | undefined, input: FileLevelInput): Promise<boolean> {
  if (recorded === undefined || !/^[0-9a-f]{32}$/.test(recorded)) return false;
  const content = await input.read(path);
  return content !== undefined && createHash('md5').update(content).digest('hex') !== recorded;
}

/** Files of the old versions that no new version and no other package has. Conffiles stay, as with dpkg. */
function removedFiles(input: FileLevelInput, kept: ReadonlySet<string>): readonly string[] {
  const upgraded = new Set(input.upgrades.map(({ pkg }) => `${pkg.name}:${pkg.architecture}`));
  const others = new Set<string>();
  const gone: string[] = [];
  for (const pkg of input.status.packages) {
    const files = (input.installedFiles(pkg.name, pkg.architecture) ?? []).map((path) =>
      canonicalPath(path, input.tree),
    );
    if (!upgraded.has(`${pkg.name}:${pkg.architecture}`)) {
      for (const path of files) others.add(path);
      continue;
    }
    gone.push(...files.filter((path) => !pkg.conffiles.has(`/${path}`)));
  }
  return [...new Set(gone)]
    .filter((path) => !kept.has(path) && !others.has(path))
    .filter((path) => {
      const entry = input.tree.get(path)?.entry;
      return entry !== undefined && entry.type !== 'directory';
    })
    .sort();
}

/**
 * The path with symlinked folders of the image followed (merged /usr: `lib/x` → `usr/lib/x`): a layer that carries a
 * folder where the image has a symlink would replace the symlink and hide everything behind it.
 */
export const canonicalPath = (path: string, tree: FlatTree): string =>
  realPath(path, (at) => {
    const entry = tree.get(at)?.entry;
    return entry?.type === 'symlink' ? (entry.linkName ?? '') : undefined;
  });
