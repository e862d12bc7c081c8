import type { Descriptor, Digest } from '../../oci/index.ts';
import { writeBeside } from './beside.ts';
import {
  type CatalogueEntry,
  type Page,
  type Published,
  type ReferrersPage,
  type RegistryCatalogue,
  referrerWeight,
} from './catalogue.ts';
import { tagMoved } from './tag-moved.ts';

interface Repository {
  readonly manifests: Map<string, CatalogueEntry>;
  readonly tags: Map<string, Digest>;
  readonly blobs: Set<string>;
}

/** A catalogue that lives as long as its process: for tests and throw-away registries. */
export function createMemoryCatalogue(): RegistryCatalogue {
  const repositories = new Map<string, Repository>();
  const use = (name: string): Repository => {
    const found = repositories.get(name) ?? { manifests: new Map(), tags: new Map(), blobs: new Set() };
    repositories.set(name, found);
    return found;
  };
  const add = (entry: CatalogueEntry): Published => {
    const { descriptor, tag } = entry;
    const repository = use(entry.repository);
    const previous = tag === undefined ? undefined : repository.tags.get(tag);
    repository.manifests.set(descriptor.digest, entry);
    for (const blob of entry.blobs) repository.blobs.add(blob);
    if (tag !== undefined) repository.tags.set(tag, descriptor.digest);
    return { repository: entry.repository, tag, digest: descriptor.digest, previous };
  };
  const planned = (entries: readonly CatalogueEntry[]): readonly Published[] =>
    entries.map(({ repository, tag, descriptor }) => ({
      repository,
      tag,
      digest: descriptor.digest,
      previous: tag === undefined ? undefined : repositories.get(repository)?.tags.get(tag),
    }));

  const catalogue: RegistryCatalogue = {
    async publishMany(entries, options = {}) {
      const published = planned(entries);
      const decide = (all: readonly Published[]): void => {
        const refused = all.find(({ tag, previous }) => tag !== undefined && options.when?.(previous) === false);
        if (refused !== undefined) throw tagMoved(refused);
      };
      decide(published);
      await writeBeside([{ published, options }], options.trx);
      decide(planned(entries));
      for (const entry of entries) add(entry);
      return published;
    },
    async putManifest(entry, options) {
      const [published] = await catalogue.publishMany([entry], options);
      return published as Published;
    },
    async resolve(name, tagOrDigest) {
      const repository = repositories.get(name);
      const digest = repository?.tags.get(tagOrDigest) ?? tagOrDigest;
      return repository?.manifests.get(digest)?.descriptor;
    },
    async tags(name, page) {
      const repository = repositories.get(name);
      return repository === undefined || repository.manifests.size === 0
        ? undefined
        : paged([...repository.tags.keys()], page);
    },
    async repositories(page) {
      return paged(
        [...repositories].filter(([, { manifests }]) => manifests.size > 0).map(([name]) => name),
        page,
      );
    },
    async deleteTag(name, tag, _trx, named) {
      if (named !== undefined && repositories.get(name)?.tags.get(tag) !== named) return false;
      return repositories.get(name)?.tags.delete(tag) ?? false;
    },
    async deleteManifest(name, digest) {
      const repository = repositories.get(name);
      if (repository === undefined || !repository.manifests.delete(digest)) return false;
      for (const [tag, named] of repository.tags) if (named === digest) repository.tags.delete(tag);
      return true;
    },
    async referrers(name, digest, artifactType, page) {
      const all = [...(repositories.get(name)?.manifests.values() ?? [])];
      const found = all
        .filter((entry) => entry.subject === digest)
        .map((entry): Descriptor => entry.descriptor)
        .filter((descriptor) => artifactType === undefined || descriptor.artifactType === artifactType)
        .sort((a, b) => order(a.digest, b.digest));
      return page === undefined ? found : pageOf(found, page);
    },
    async repositoriesWith(digest, n) {
      const names = [...repositories].filter(([, { blobs }]) => blobs.has(digest)).map(([name]) => name);
      return paged(names, { n });
    },
    async hasBlob(name, digest) {
      return repositories.get(name)?.blobs.has(digest) ?? false;
    },
    async linkBlob(name, digest) {
      use(name).blobs.add(digest);
    },
    async unlinkBlob(name, digest, unless) {
      const entries = [...(repositories.get(name)?.manifests.values() ?? [])];
      if (unless === 'named' && entries.some(({ names }) => names?.some((one) => one.digest === digest))) return false;
      return repositories.get(name)?.blobs.delete(digest) ?? false;
    },
    async missing(name, digests) {
      const repository = repositories.get(name);
      return digests.filter((digest) => !repository?.blobs.has(digest) && !repository?.manifests.has(digest));
    },
  };
  return catalogue;
}

/** Byte order; names are ASCII, so comparing code units is the same. */
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function pageOf(found: readonly Descriptor[], { n, last, bytes }: ReferrersPage): readonly Descriptor[] {
  let before = 0;
  return found
    .filter(({ digest }) => last === undefined || digest > last)
    .slice(0, n)
    .filter((descriptor) => {
      const fits = before <= bytes;
      before += referrerWeight(descriptor);
      return fits;
    });
}

function paged(names: readonly string[], { n, last }: Page): readonly string[] {
  return names
    .filter((name) => last === undefined || name > last)
    .sort(order)
    .slice(0, n);
}
