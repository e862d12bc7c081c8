import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCacheFile } from '../../../base/index.ts';
import type { ApkChange } from '../../../distro/index.ts';
import type { LayerItem } from '../../../oci/index.ts';
import { atEpoch } from '../normalize.ts';
import { inodeOf, sameEntry } from '../root-split.ts';
import { itemsOf, tarOf } from '../tar-items.ts';
import type { ComposeRequest } from '../types.ts';
import { judge } from '../volatile.ts';
import { fillSandbox } from './fill-root.ts';
import type { FilledRoot, FillInput } from './types.ts';

/** Raise it when scripts give another result for the same packages. */
const FORMAT = 1;

/** The sandbox has these of its own. */
const MOUNT_POINT = /^(?:dev|proc|sys|tmp|run)$/;

export interface ScriptedRoot {
  readonly items: readonly LayerItem[];
  /** For people: whether scripts ran, and why. */
  readonly explanation: string;
}

/** What scripts made of a root that packages were put into. */
interface Difference {
  readonly items: readonly LayerItem[];
  readonly removed: readonly string[];
}

/**
 * The root after scripts and triggers ran. What they did is kept: the same packages in the same order on the same base
 * run once.
 */
export async function scriptedRoot(
  request: ComposeRequest,
  changes: readonly ApkChange[],
  input: FillInput,
  flat: FilledRoot,
): Promise<ScriptedRoot> {
  const file = join(request.cache, 'compose', 'apk-scripts', `${keyOf(request, changes, input, flat)}.tar`);
  const known = await readFile(file)
    .then(decode)
    .catch(() => undefined);
  if (known !== undefined) {
    return { items: apply(flat.items, known), explanation: 'scripts ran before for the same packages' };
  }
  request.progress?.update('scripts', 0, input.packages.length);
  const after = await fillSandbox(request, changes, input);
  request.progress?.update('scripts', input.packages.length, input.packages.length);
  const difference = differenceOf(flat.items, after, input.epoch);
  await writeCacheFile(file, encode(difference));
  return { items: apply(flat.items, difference), explanation: 'scripts ran: they never ran for this set of packages' };
}

/** The packages in their order, what stands below them and what was put beside them decide what scripts do. */
function keyOf(
  request: ComposeRequest,
  changes: readonly ApkChange[],
  { packages, epoch }: FillInput,
  flat: FilledRoot,
): string {
  const hash = createHash('sha256');
  const below = request.base?.image.manifest.layers.map(({ digest }) => digest) ?? [];
  const order = changes.map(({ name, to }) => [name, to?.identity ?? '']);
  const sums = packages.map(({ item }) => item.sha256);
  hash.update(JSON.stringify([FORMAT, request.architecture, epoch, below, order, sums]));
  for (const { header, content } of flat.items) {
    if (/^(?:etc\/apk|(?:usr\/)?lib\/apk)\//.test(header.path)) hash.update((content as Uint8Array | undefined) ?? '');
  }
  return hash.digest('hex');
}

function differenceOf(before: readonly LayerItem[], after: readonly LayerItem[], epoch: number): Difference {
  const [old, now] = [before, after].map((items) => new Map(items.map((item) => [item.header.path, item]))) as [
    Map<string, LayerItem>,
    Map<string, LayerItem>,
  ];
  const isAsBefore = (item: LayerItem): boolean => {
    const was = old.get(item.header.path);
    return was !== undefined && sameEntry(inodeOf(was, old), inodeOf(item, now));
  };
  const changed = after.filter((item) => !isAsBefore(item));
  const paths = new Set(changed.map(({ header }) => header.path));
  // Of names of one inode, one may be as before and the other not: each stands for itself then.
  const items = changed.map((item) =>
    item.header.type === 'hardlink' && !paths.has(item.header.linkName ?? '')
      ? { ...inodeOf(item, now), header: { ...inodeOf(item, now).header, path: item.header.path } }
      : item,
  );
  // Mount points and what is gone when a container starts were not looked at.
  const removed = before
    .map(({ header }) => header)
    .filter(({ path, type, size }) => !now.has(path) && judge(path, type, size) === 'keep' && !MOUNT_POINT.test(path))
    .map(({ path }) => path);
  return { items: atEpoch(items, epoch), removed };
}

function apply(before: readonly LayerItem[], { items, removed }: Difference): readonly LayerItem[] {
  const root = new Map(before.map((item) => [item.header.path, item]));
  for (const path of removed) root.delete(path);
  for (const item of items) root.set(item.header.path, item);
  return [...root.values()];
}

/** Length of the list of removed paths, that list, and an archive. */
function encode({ items, removed }: Difference): Buffer {
  const list = Buffer.from(JSON.stringify(removed));
  const tar = tarOf(items);
  const sum = createHash('sha256').update(list).update(tar).digest('hex');
  return Buffer.concat([Buffer.from(`${list.length} ${sum}\n`), list, tar]);
}

/** @throws where the file is damaged */
function decode(bytes: Buffer): Difference {
  const end = bytes.indexOf(0x0a);
  const [length = '', sum] = bytes.toString('latin1', 0, end).split(' ');
  const rest = bytes.subarray(end + 1);
  if (createHash('sha256').update(rest).digest('hex') !== sum) throw new Error('damaged');
  const list = rest.subarray(0, Number(length));
  return { items: itemsOf(rest.subarray(list.length)), removed: JSON.parse(list.toString('utf8')) as string[] };
}
