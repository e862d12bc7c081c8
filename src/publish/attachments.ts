import type { Attachment } from '../attestation/index.ts';
import { type Descriptor, type Digest, MAX_MANIFEST_BYTES, parseManifest } from '../oci/index.ts';
import type { CatalogueEntry, RegistryCatalogue } from '../registry/index.ts';
import type { BlobStore } from '../storage/index.ts';

/** Signatures and statements of an image whose bytes lie in the store: rows that go in with the image's own. */
export interface Attached {
  readonly entries: readonly CatalogueEntry[];
  /** Layers of the statements, for the tag that names them all once the image is released. */
  readonly statements: readonly Descriptor[];
}

export const NOTHING_ATTACHED: Attached = { entries: [], statements: [] };

/** Puts what is attached into the store, all of it with one sync. */
export async function storeAttachments(
  blobs: BlobStore,
  repository: string,
  attachments: readonly Attachment[],
): Promise<readonly CatalogueEntry[]> {
  const bytes = attachments.flatMap(({ manifest, blobs: made }) => [...made, manifest].map((one) => one.bytes));
  await blobs.putMany(bytes);
  return attachments.map(({ manifest, names, subject, tag }) => ({
    repository,
    descriptor: manifest.descriptor,
    blobs: names.map(({ digest }) => digest),
    names,
    ...(subject === undefined ? {} : { subject }),
    ...(tag === undefined ? {} : { tag }),
  }));
}

/** What a tag of the repository names now, and its layers; undefined when there is no such tag. */
export async function attachedUnder(
  catalogue: RegistryCatalogue,
  blobs: BlobStore,
  repository: string,
  tag: string,
): Promise<{ readonly descriptor: Descriptor; readonly layers: readonly Descriptor[] } | undefined> {
  const descriptor = await catalogue.resolve(repository, tag);
  if (descriptor === undefined) return undefined;
  const { layers } = parseManifest(await blobs.read(descriptor.digest, MAX_MANIFEST_BYTES));
  return { descriptor, layers };
}

/** Everything attached to an image and to what is attached to it, as it lies in the catalogue; each once. */
export async function attachedTo(
  catalogue: RegistryCatalogue,
  repository: string,
  image: Digest,
): Promise<readonly Descriptor[]> {
  const found = new Map<Digest, Descriptor>();
  const waiting = [image];
  for (let digest = waiting.pop(); digest !== undefined && found.size < MAX_ATTACHED; digest = waiting.pop()) {
    for (const referrer of await catalogue.referrers(repository, digest)) {
      if (found.has(referrer.digest) || referrer.digest === image) continue;
      found.set(referrer.digest, referrer);
      waiting.push(referrer.digest);
    }
  }
  return [...found.values()];
}

/** More is no image's own, and is not carried to other registries. */
const MAX_ATTACHED = 1_000;
