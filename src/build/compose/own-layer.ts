import type { LayerItem } from '../../oci/index.ts';
import { type CertificatePlaces, certificateItems } from './certificates.ts';
import { merged, type StoredLayer, storeLayer } from './group-layer.ts';
import { layerTypeOf } from './layer-type.ts';
import type { Lock } from './lock-form.ts';
import { recipeItems } from './recipe-files.ts';
import { withParentsOf } from './root-split.ts';
import { timezoneItems, type ZonePackages } from './timezone.ts';
import type { ComposeRequest } from './types.ts';
import { ACCOUNT_PATHS, type AccountFiles, accountItems } from './users.ts';

/** What stands in an image before the recipe's own files come. */
export interface RootBelow {
  /** Where a path lies once the links among its folders are followed. */
  place(path: string): string;
  /** A file or link, no link followed. */
  entry(path: string): LayerItem | undefined;
  readonly zones: ZonePackages;
  readonly certificates: CertificatePlaces;
}

/**
 * The topmost layer of images that are not Debian's: what the recipe itself says, accounts, time zone and certificates,
 * and over them its files. Undefined when it would be empty.
 */
export async function ownLayer(
  request: ComposeRequest,
  { epoch }: Pick<Lock, 'epoch'>,
  below: RootBelow,
): Promise<StoredLayer | undefined> {
  const { recipe, base } = request;
  const places = { place: below.place, noShell: '/sbin/nologin' };
  const bundle = below.entry(below.place(below.certificates.bundle))?.content as Buffer | undefined;
  const taken = { has: (path: string) => below.entry(below.place(path)) !== undefined };
  const items = merged([
    accountItems(accountFiles(below), recipe.users ?? [], epoch, recipe.groups ?? [], places),
    timezoneItems(recipe, below.zones, base !== undefined, epoch),
    await certificateItems(request, bundle, taken, epoch, below.certificates),
    await recipeItems(recipe, request.directory, request.confine, epoch, below.place),
  ]).map((item) => ({ ...item, header: { ...item.header, path: below.place(item.header.path) } }));
  if (items.length === 0) return undefined;
  const compression = recipe.compression ?? 'zstd';
  const whole = withParentsOf(items, below.entry, epoch);
  const { digest, size, diffId, uncompressed } = await storeLayer(request, whole, compression);
  const descriptor = { mediaType: layerTypeOf(compression), digest, size };
  return { descriptor, diffId, comment: `files and users of ${recipe.name}`, built: true, uncompressed };
}

function accountFiles(below: RootBelow): AccountFiles {
  return new Map(
    ACCOUNT_PATHS.flatMap((path) => {
      const item = below.entry(path);
      if (item?.header.type !== 'file') return [];
      return [[path, { content: item.content as Buffer, mode: item.header.mode, gid: item.header.gid }] as const];
    }),
  );
}
