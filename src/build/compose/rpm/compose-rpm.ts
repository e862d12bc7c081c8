import type { LayerItem } from '../../../oci/index.ts';
import { realPath } from '../../patch/real-path.ts';
import { openBaseTree } from '../base-tree.ts';
import type { CertificatePlaces } from '../certificates.ts';
import { createdAt } from '../created-at.ts';
import { finishImage } from '../finish.ts';
import { refuseForeignScripts } from '../foreign.ts';
import type { Lock } from '../lock-form.ts';
import { ownLayer, type RootBelow } from '../own-layer.ts';
import { splitLayers } from '../split-layers.ts';
import type { ComposedImage, ComposeRequest } from '../types.ts';
import { isSuse } from './database.ts';
import { draftRpm } from './draft-rpm.ts';
import { type LockedRpm, openLockedRpms, placedRpm } from './open-packages.ts';
import { scriptedRpmRoot } from './rpm-root.ts';

/** What `update-ca-trust` and SUSE's `update-ca-certificates` read, and what they make of it. */
function certificatePlaces(distribution: string): CertificatePlaces {
  return isSuse(distribution)
    ? { added: 'etc/pki/trust/anchors', bundle: 'var/lib/ca-certificates/ca-bundle.pem', linkPrefix: undefined }
    : {
        added: 'etc/pki/ca-trust/source/anchors',
        bundle: 'etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
        linkPrefix: undefined,
      };
}

async function lockedRpm(
  request: ComposeRequest,
): Promise<{ readonly lock: Lock; readonly packages: readonly LockedRpm[] }> {
  const draft = await draftRpm(request);
  const packages = await openLockedRpms(request, draft.packages);
  const epoch = Math.max(0, createdAt(request), ...packages.map(({ archive }) => archive.newest));
  return { lock: { ...draft, epoch }, packages };
}

/** The lock that a build would write, without building. */
export const lockRpm = async (request: ComposeRequest): Promise<Lock> => (await lockedRpm(request)).lock;

/**
 * An image of an rpm distribution, by the real tools: dnf chooses packages from verified metadata, rpm installs the
 * locked ones; both in sandboxes without network. What comes out is divided among layers as for the other families.
 */
export async function composeRpm(request: ComposeRequest): Promise<ComposedImage> {
  const started = performance.now();
  await refuseForeignScripts(request);
  const { lock, packages } = await lockedRpm(request);
  const certificates = certificatePlaces(lock.distribution);
  const base = await openBaseTree(request, [certificates.bundle]);
  const filled =
    packages.length === 0 ? undefined : await scriptedRpmRoot(request, packages, lock.distribution, lock.epoch);
  const root = filled?.items ?? [];
  const items = new Map(root.map((item) => [item.header.path, item]));
  const entry = (path: string): LayerItem | undefined => items.get(path) ?? base.entry(path);
  const place = (path: string): string =>
    realPath(path, (at) => (entry(at)?.header.type === 'symlink' ? entry(at)?.header.linkName : undefined));
  const placed = await Promise.all(packages.map((one) => placedRpm(one, items, place)));
  const layers = [...(await splitLayers(request, root, placed, { epoch: lock.epoch, entry }))];
  const paths = new Set(placed.flatMap(({ entries }) => entries.map(({ header }) => header.path)));
  const below: RootBelow = {
    ...{ entry, place, certificates },
    zones: { has: (path) => paths.has(path), hasTzdata: packages.some(({ item }) => item.name === 'tzdata') },
  };
  const own = await ownLayer(request, lock, below);
  const all = own === undefined ? layers : [...layers, own];
  return finishImage(request, { lock, layers: all, scripts: filled?.explanation, started });
}
