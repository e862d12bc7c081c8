import { type KubernetesAnswer, type KubernetesCall, refused } from './answers.ts';

/** Objects of one answer: some megabytes of pods. */
const PAGE = 500;

/** A collection as it was at one resource version. */
export interface Listed<T> {
  readonly items: readonly T[];
  /** Where a watch goes on; '' where the server does not serve the resource. */
  readonly version: string;
}

export interface ListOptions {
  /** Names, labels and owners alone: a fraction of the bytes. */
  readonly metadataOnly?: boolean;
  readonly signal?: AbortSignal;
}

/** `accept` of metadata alone; a server that cannot make them answers whole objects. */
export const metadataAs = (kind: 'PartialObjectMetadata' | 'PartialObjectMetadataList'): string =>
  `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;

interface PageBody<T> {
  readonly items?: readonly T[];
  readonly metadata?: { readonly continue?: string; readonly resourceVersion?: string };
}

/**
 * A whole collection, page by page; begun again where its pages have become too old to be continued (410).
 * @throws KUBERNETES_UNAVAILABLE, KUBERNETES_REFUSED
 */
export async function listPages<T, Kept>(
  call: (call: KubernetesCall) => Promise<KubernetesAnswer>,
  path: string,
  take: (item: T) => Kept,
  { metadataOnly, signal }: ListOptions = {},
): Promise<Listed<Kept>> {
  const accept = metadataOnly === true ? { accept: metadataAs('PartialObjectMetadataList') } : {};
  const items: Kept[] = [];
  let next: string | undefined;
  for (;;) {
    const query: Record<string, string> = { limit: String(PAGE) };
    if (next !== undefined) query.continue = next;
    const asked = { path, query, signal, ...accept };
    const { status, body } = await call(asked);
    if (status === 410 && next !== undefined) {
      items.length = 0;
      next = undefined;
      continue;
    }
    // The collection itself: an older API server, or an extension that is not installed.
    if (status === 404) return { items: [], version: '' };
    if (status !== 200) throw refused(asked, { status, body });
    const page = body as PageBody<T>;
    items.push(...(page.items ?? []).map(take));
    next = page.metadata?.continue || undefined;
    if (next === undefined) return { items, version: page.metadata?.resourceVersion ?? '' };
  }
}
