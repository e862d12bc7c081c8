import type { FlatTree, LayerItem } from '../../oci/index.ts';
import { CERTIFICATES, MASTER_GROUP, MASTER_PASSWD, withoutScriptsItems } from '../compose/without-scripts.ts';

const STAND_INS = ['etc/passwd', 'etc/group', 'etc/ssl/certs/ca-certificates.crt'];

/** Is it one of the package files that an image without scripts has something made from? */
const isSource = (path: string): boolean =>
  path === MASTER_PASSWD || path === MASTER_GROUP || (path.startsWith(CERTIFICATES) && path.endsWith('.crt'));

/** Files of the image that `standIns` compares; none where no source changes. */
export function standInFiles(tree: FlatTree, changed: readonly string[]): readonly string[] {
  if (!changed.some(isSource)) return [];
  return [...[...tree.keys()].filter(isSource), ...STAND_INS];
}

/**
 * Accounts and the certificate bundle, which a postinst would have made anew, where the image still has them as they
 * are made from its packages' files. Where the owner changed one, it stays.
 *
 * @param files of the image, those that `standInFiles` names at least
 * @param changes new files and whiteouts of the upgrade, by path
 */
export function standIns(
  files: ReadonlyMap<string, Uint8Array>,
  changes: readonly LayerItem[],
  epoch: number,
): readonly LayerItem[] {
  const before = new Map<string, Buffer>();
  for (const [path, bytes] of files) if (isSource(path)) before.set(path, Buffer.from(bytes));
  const after = new Map(before);
  for (const { header, content } of changes) {
    const hidden = header.path.replace(/(^|\/)\.wh\.([^/]+)$/, '$1$2');
    if (hidden !== header.path) after.delete(hidden);
    else if (isSource(header.path) && content instanceof Uint8Array) after.set(header.path, Buffer.from(content));
  }
  const made = new Map(madeFrom(before, epoch).map((item) => [item.header.path, item.content as Uint8Array]));
  return madeFrom(after, epoch).filter(({ header, content }) => {
    const [now, old] = [files.get(header.path), made.get(header.path)];
    if (now === undefined || old === undefined || !Buffer.from(now).equals(old)) return false;
    return !Buffer.from(content as Uint8Array).equals(now);
  });
}

const madeFrom = (sources: ReadonlyMap<string, Buffer>, epoch: number): readonly LayerItem[] =>
  withoutScriptsItems(sources, new Set(), epoch).filter((item) => item.content !== undefined);
