import type { DatabaseTransaction } from '../../database/index.ts';
import type { Descriptor, Digest } from '../../oci/index.ts';
import type { RegistryCatalogue } from '../../registry/index.ts';
import type { Campaign } from './record.ts';

export interface TagMove {
  /** What the tag named before; null for nothing. */
  readonly before: Digest | null;
  write(trx: DatabaseTransaction): Promise<void>;
}

/**
 * A stage tag is moved to what is rolled out: the same digest, never built again. Undefined where the registry does not have
 * it (somebody else's image).
 */
export async function tagMove(
  catalogue: RegistryCatalogue,
  { repository, digest }: Pick<Campaign, 'repository' | 'digest'>,
  tag: string,
): Promise<TagMove | undefined> {
  const descriptor = await catalogue.resolve(repository, digest);
  if (descriptor === undefined) return undefined;
  const before = await catalogue.resolve(repository, tag);
  return {
    before: before?.digest ?? null,
    async write(trx) {
      await catalogue.publishMany([{ repository, tag, descriptor, blobs: [] }], { trx });
    },
  };
}

/** Puts the tags that a rollout moved back to what they named before, those that still name its digest. */
export async function tagsBack(
  catalogue: RegistryCatalogue,
  { repository, digest, tagsBefore }: Pick<Campaign, 'repository' | 'digest' | 'tagsBefore'>,
): Promise<(trx: DatabaseTransaction) => Promise<void>> {
  const back: { readonly tag: string; readonly descriptor: Descriptor | undefined }[] = [];
  for (const [tag, before] of Object.entries(tagsBefore)) {
    if ((await catalogue.resolve(repository, tag))?.digest !== digest || before === digest) continue;
    back.push({ tag, descriptor: before === null ? undefined : await catalogue.resolve(repository, before) });
  }
  return async (trx) => {
    for (const { tag, descriptor } of back) {
      if (descriptor === undefined) await catalogue.deleteTag(repository, tag, trx, digest);
      else await catalogue.publishMany([{ repository, tag, descriptor, blobs: [] }], { trx });
    }
  };
}
