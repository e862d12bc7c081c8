import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, formatReference, imageNameOf, isDigest } from '../oci/index.ts';
import type { EngineApi, EngineRuntime } from '../runtime/index.ts';
import { openImage } from '../transport/index.ts';
import type { CrawlSource, FoundImage } from './types.ts';

/**
 * The images that podman or Docker has. Each is exported by the engine itself, so that none needs a registry; it is
 * recorded by the digest it was pulled by, which is what its containers are known by too.
 * @param scratch folder for one exported image at a time and worker
 */
export function engineSource(runtime: EngineRuntime, scratch: string): CrawlSource {
  return {
    name: `engine:${runtime.name}`,
    covers: () => true,
    async *find() {
      const api = await runtime.api();
      for (const { Id, RepoTags, RepoDigests } of await api.images()) {
        for (const tag of RepoTags ?? []) {
          const name = imageNameOf(tag);
          // `<none>:<none>`: a layer of another, or what a tag was taken from.
          if (name === undefined) continue;
          const pulled = pulledBy(RepoDigests ?? [], `${name.registry}/${name.repository}`);
          const id: Digest | undefined = isDigest(Id) ? Id : isDigest(`sha256:${Id}`) ? `sha256:${Id}` : undefined;
          yield found(api, tag, formatReference(name), pulled, id, scratch);
        }
      }
    },
    close: () => runtime.close(),
  };
}

/** The digest it was pulled by from that repository, or the only one there is. */
function pulledBy(digests: readonly string[], repository: string): Digest | undefined {
  const known = digests.map((text) => text.split('@') as [string, string | undefined]);
  const own = known.filter(([name]) => {
    const reference = imageNameOf(name);
    return reference !== undefined && `${reference.registry}/${reference.repository}` === repository;
  });
  const [only, ...more] = new Set((own.length > 0 ? own : known).map(([, digest]) => digest));
  return more.length === 0 && only !== undefined && isDigest(only) ? only : undefined;
}

function found(
  api: EngineApi,
  tag: string,
  reference: string,
  pulled: Digest | undefined,
  id: Digest | undefined,
  scratch: string,
): FoundImage {
  return {
    kind: 'image',
    reference,
    digest: pulled ?? id,
    ...(pulled === undefined ? {} : { recordAs: pulled }),
    open: async (signal) => {
      const folder = await mkdtemp(join(scratch, 'crawl-'));
      const remove = () => rm(folder, { recursive: true, force: true });
      try {
        const file = join(folder, 'image.tar');
        await api.exportImage(tag, file, signal);
        const image = await openImage({ kind: 'docker-archive', file, tag: undefined }, { signal });
        return {
          image,
          close: async () => {
            await image.close();
            await remove();
          },
        };
      } catch (error) {
        await remove();
        throw error;
      }
    },
  };
}
