import { attestationTag, signatureTag } from '../../attestation/index.ts';
import { globMatches } from '../../inventory/index.ts';
import {
  type Descriptor,
  type Digest,
  formatReference,
  isManifestType,
  MAX_MANIFEST_BYTES,
  parseManifest,
  parseReference,
  type RegistryReference,
} from '../../oci/index.ts';
import { attachedTo } from '../../publish/index.ts';
import type { FleetRegistry, FleetReplica } from '../../recipe/index.ts';
import type { Credentials, RegistryCatalogue } from '../../registry/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import { saveArtifact, saveImage } from '../../transport/index.ts';
import type { PushPort } from '../ports.ts';
import { openStored } from '../workshop/open-stored.ts';
import type { Workshop } from '../workshop/workshop.ts';

/** The registries that are to have what is released: `push` all of it, each of `replicas` what it names. */
export function pushesOf(
  registry: FleetRegistry | undefined,
  workshop: Workshop,
  catalogue: RegistryCatalogue,
): readonly PushPort[] {
  const { push, insecure = false, replicas = [] } = registry ?? {};
  const targets = [...(push === undefined ? [] : [{ to: push, insecure }]), ...replicas];
  return targets.map((target) => pushTo(target, workshop, catalogue));
}

/**
 * Pushes with the credentials that podman and docker keep for a registry. Blobs that are there already are not sent
 * again. What is attached to the image (signatures, statements, SBOMs) goes along, and comes before the tag: who pulls
 * by tag finds the signature.
 */
export function pushTo(
  { to, insecure = false, images }: FleetReplica,
  workshop: Pick<Workshop, 'store'>,
  catalogue: RegistryCatalogue,
  /** Other than those that podman and docker keep. */
  credentials?: () => Promise<Credentials>,
): PushPort {
  const referenceOf = ({ repository, tag }: { readonly repository: string; readonly tag: string }) =>
    parseReference(`docker://${to}/${repository}:${tag}`) as RegistryReference;
  return {
    takes: (name) => images?.some((glob) => globMatches(glob, name)) ?? true,
    target: (place) => formatReference(referenceOf(place)),
    async push({ repository, tag, digest }, signal) {
      const own = credentials === undefined ? {} : { credentials: await credentials() };
      const options = { registry: { insecure, ...own }, signal };
      const store = await workshop.store();
      const image = await openStored(store, digest);
      const tagged = referenceOf({ repository, tag });
      const attached = await attachmentsOf(catalogue, repository, digest);
      if (attached.length > 0) await saveImage(image, { ...tagged, tag: undefined, digest }, options);
      for (const one of attached) {
        signal.throwIfAborted();
        const there = { ...tagged, tag: one.tag, digest: one.tag === undefined ? one.digest : undefined };
        await saveArtifact(await openAttached(store, one), there, options);
      }
      await saveImage(image, tagged, options);
    },
  };
}

type AttachedManifest = Descriptor & { readonly tag: string | undefined };

/** Referrers, and what cosign's tags name; a manifest that is both goes by its tag. */
async function attachmentsOf(
  catalogue: RegistryCatalogue,
  repository: string,
  digest: Digest,
): Promise<readonly AttachedManifest[]> {
  const found = new Map<Digest, AttachedManifest>();
  for (const one of await attachedTo(catalogue, repository, digest)) found.set(one.digest, { ...one, tag: undefined });
  for (const tag of [attestationTag(digest), signatureTag(digest)]) {
    const named = await catalogue.resolve(repository, tag);
    if (named !== undefined) found.set(named.digest, { ...named, tag });
  }
  return [...found.values()].filter(({ mediaType }) => isManifestType(mediaType));
}

async function openAttached(store: BlobStore, { digest, mediaType }: Descriptor) {
  const manifestBytes = await store.read(digest, MAX_MANIFEST_BYTES);
  return { digest, mediaType, manifestBytes, manifest: parseManifest(manifestBytes), blobs: store };
}
