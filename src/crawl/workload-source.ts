import { formatReference, imageNameOf, type Platform } from '../oci/index.ts';
import type { RegistryClientOptions } from '../registry/index.ts';
import type { WorkloadContainer } from '../runtime/index.ts';
import { openImage } from '../transport/index.ts';
import type { CrawlFailure, CrawlSource, FoundImage } from './types.ts';

export interface WorkloadSourceOptions {
  /** `kubernetes:CONTEXT` */
  readonly name: string;
  /** False where only some of the workloads are looked at (namespaces): names of the others are not gone. */
  readonly whole: boolean;
  readonly platform?: Platform;
  readonly registry?: RegistryClientOptions;
}

/** Something that lists what runs. */
export interface RunningThings {
  list(): Promise<readonly { readonly id: string; readonly containers: readonly WorkloadContainer[] }[]>;
  close(): Promise<void>;
}

/** The images that a cluster's workloads run, by the digests that its pods tell, read from their registries. */
export function workloadSource(runtime: RunningThings, options: WorkloadSourceOptions): CrawlSource {
  return {
    name: options.name,
    covers: () => options.whole,
    async *find() {
      const named = new Set<string>();
      for (const workload of await runtime.list()) {
        for (const container of workload.containers) {
          const found = foundOf(workload.id, container, options);
          const key = found.kind === 'image' ? found.reference : `${found.reference} ${found.code}`;
          if (!named.has(key)) yield found;
          named.add(key);
        }
      }
    },
    close: () => runtime.close(),
  };
}

function foundOf(
  workload: string,
  container: WorkloadContainer,
  { platform, registry }: WorkloadSourceOptions,
): FoundImage | CrawlFailure {
  const name = imageNameOf(container.image);
  if (name === undefined) {
    const reference = container.image === '' ? workload : container.image;
    return { kind: 'skipped', reference, code: 'CRAWL_NO_REGISTRY', message: 'names no image of a registry' };
  }
  // A tag may mean another image by now: what runs is the digest.
  const digest = container.digest ?? name.digest;
  const exact = digest === undefined ? name : { ...name, digest };
  return {
    kind: 'image',
    reference: formatReference(name.tag === undefined ? exact : { ...name, digest: undefined }),
    digest,
    open: async (signal) => {
      const image = await openImage(exact, {
        signal,
        ...(platform === undefined ? {} : { platform }),
        ...(registry === undefined ? {} : { registry }),
      });
      return { image, close: () => image.close() };
    },
  };
}
