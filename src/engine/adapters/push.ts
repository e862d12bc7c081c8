import { formatReference, parseReference, type RegistryReference } from '../../oci/index.ts';
import type { FleetRegistry } from '../../recipe/index.ts';
import { saveImage } from '../../transport/index.ts';
import type { PushPort } from '../ports.ts';
import { openStored } from '../workshop/open-stored.ts';
import type { Workshop } from '../workshop/workshop.ts';

/**
 * Pushes to the registry that the fleet names, with the credentials that podman and docker keep for it. Blobs that are
 * there already are not sent again; the manifest, and with it the tag, comes last.
 */
export function pushOf(registry: FleetRegistry | undefined, workshop: Workshop): PushPort | undefined {
  const { push, insecure = false } = registry ?? {};
  if (push === undefined) return undefined;
  const referenceOf = ({ repository, tag }: { readonly repository: string; readonly tag: string }) =>
    parseReference(`docker://${push}/${repository}:${tag}`) as RegistryReference;
  return {
    target: (place) => formatReference(referenceOf(place)),
    async push({ repository, tag, digest }, signal) {
      const image = await openStored(await workshop.store(), digest);
      await saveImage(image, referenceOf({ repository, tag }), { registry: { insecure }, signal });
    },
  };
}
