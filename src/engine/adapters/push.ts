import { globMatches } from '../../inventory/index.ts';
import { formatReference, parseReference, type RegistryReference } from '../../oci/index.ts';
import type { FleetRegistry, FleetReplica } from '../../recipe/index.ts';
import { saveImage } from '../../transport/index.ts';
import type { PushPort } from '../ports.ts';
import { openStored } from '../workshop/open-stored.ts';
import type { Workshop } from '../workshop/workshop.ts';

/** The registries that are to have what is released: `push` all of it, each of `replicas` what it names. */
export function pushesOf(registry: FleetRegistry | undefined, workshop: Workshop): readonly PushPort[] {
  const { push, insecure = false, replicas = [] } = registry ?? {};
  const targets = [...(push === undefined ? [] : [{ to: push, insecure }]), ...replicas];
  return targets.map((target) => pushTo(target, workshop));
}

/**
 * Pushes with the credentials that podman and docker keep for a registry. Blobs that are there already are not sent
 * again; the manifest, and with it the tag, comes last.
 */
function pushTo({ to, insecure = false, images }: FleetReplica, workshop: Workshop): PushPort {
  const referenceOf = ({ repository, tag }: { readonly repository: string; readonly tag: string }) =>
    parseReference(`docker://${to}/${repository}:${tag}`) as RegistryReference;
  return {
    takes: (name) => images?.some((glob) => globMatches(glob, name)) ?? true,
    target: (place) => formatReference(referenceOf(place)),
    async push({ repository, tag, digest }, signal) {
      const image = await openStored(await workshop.store(), digest);
      await saveImage(image, referenceOf({ repository, tag }), { registry: { insecure }, signal });
    },
  };
}
