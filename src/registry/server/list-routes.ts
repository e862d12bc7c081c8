import type { FastifyReply } from 'fastify';
import { type Descriptor, type Digest, MediaType } from '../../oci/index.ts';
import { type Page, referrerWeight } from '../catalogue/catalogue.ts';
import { registryError } from '../errors.ts';
import type { RegistryContext } from './options.ts';

/** GET /v2/NAME/tags/list */
export async function listTags(
  { catalogue, limits, mirror }: RegistryContext,
  repository: string,
  query: URLSearchParams,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const page = readPage(query, limits.pageSize);
  const upstream = await mirror?.of(repository)?.tags(more(page));
  const found = upstream ?? (await catalogue.tags(repository, more(page)));
  if (found === undefined) throw registryError('REGISTRY_NAME_UNKNOWN', `no repository ${repository} here`);
  const tags = cut(found, page, `/v2/${repository}/tags/list`, reply);
  return json(reply, { name: repository, tags });
}

/** GET /v2/_catalog */
export async function listRepositories(
  { catalogue, limits }: RegistryContext,
  query: URLSearchParams,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const page = readPage(query, limits.pageSize);
  return json(reply, {
    repositories: cut(await catalogue.repositories(more(page)), page, '/v2/_catalog', reply),
  });
}

/** GET /v2/NAME/referrers/DIGEST: an index, empty when nothing refers to the digest; pages end by number and bytes. */
export async function listReferrers(
  { catalogue, limits, mirror }: RegistryContext,
  repository: string,
  digest: Digest,
  query: URLSearchParams,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const artifactType = query.get('artifactType') ?? undefined;
  const page = readPage(query, limits.pageSize);
  const bytes = limits.referrersBytes;
  const upstream = await mirror?.of(repository)?.referrers(digest, artifactType);
  const { last: after = '' } = page;
  const found =
    upstream?.filter((one) => one.digest > after).slice(0, page.n + 1) ??
    (await catalogue.referrers(repository, digest, artifactType, { ...more(page), bytes }));
  const { shown, further } = cutBytes(found, page.n, bytes);
  const last = shown.at(-1)?.digest;
  if (further && last !== undefined) {
    const next = new URLSearchParams({ ...(artifactType === undefined ? {} : { artifactType }), n: `${page.n}`, last });
    reply.header('link', `</v2/${repository}/referrers/${digest}?${next}>; rel="next"`);
  }
  if (artifactType !== undefined) reply.header('oci-filters-applied', 'artifactType');
  return json(reply, { schemaVersion: 2, mediaType: MediaType.index, manifests: shown }, MediaType.index);
}

/** What fits into one page: at least one descriptor, however long its annotations are. */
function cutBytes(
  found: readonly Descriptor[],
  n: number,
  bytes: number,
): { readonly shown: readonly Descriptor[]; readonly further: boolean } {
  let total = 0;
  let count = 0;
  for (const descriptor of found.slice(0, n)) {
    total += referrerWeight(descriptor);
    if (count > 0 && total > bytes) break;
    count += 1;
  }
  return { shown: found.slice(0, count), further: found.length > count || total > bytes };
}

function readPage(query: URLSearchParams, limit: number): Page {
  const n = query.get('n');
  const last = query.get('last');
  if (n !== null && !/^\d{1,9}$/.test(n)) {
    throw registryError(
      'REGISTRY_PAGINATION_NUMBER_INVALID',
      `n is a number of names, not ${JSON.stringify(n.slice(0, 50))}`,
    );
  }
  return { n: Math.min(n === null ? limit : Number(n), limit), ...(last === null ? {} : { last }) };
}

/** One more than asked for, to know whether a next page exists. */
const more = (page: Page): Page => ({ ...page, n: page.n === 0 ? 0 : page.n + 1 });

function cut(names: readonly string[], page: Page, path: string, reply: FastifyReply): readonly string[] {
  const shown = names.slice(0, page.n);
  if (names.length > shown.length) {
    reply.header('link', `<${path}?n=${page.n}&last=${encodeURIComponent(shown.at(-1) ?? '')}>; rel="next"`);
  }
  return shown;
}

/** As bytes: Fastify adds a charset to text, and these media types have none. */
function json(reply: FastifyReply, value: unknown, type = 'application/json'): FastifyReply {
  return reply.header('content-type', type).send(Buffer.from(JSON.stringify(value)));
}
