import { sql } from 'kysely';
import type { DatabaseTransaction } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { Base } from '../lineage.ts';

/** An image with the chain ids of its stack, bottom first. */
export interface Stacked {
  readonly digest: Digest;
  readonly chain: readonly Digest[];
}

/**
 * For each image the one whose whole stack is the longest proper prefix of its own; the first recorded of several.
 * Images of the batch count as recorded in its order.
 */
export async function basesByLayers(
  trx: DatabaseTransaction,
  images: readonly Stacked[],
): Promise<readonly (Base | undefined)[]> {
  const wanted = new Set(images.flatMap(({ chain }) => chain.slice(0, -1)));
  const first = await firstByChain(trx, [...wanted]);
  return images.map(({ digest, chain }) => {
    const below = chain.slice(0, -1).findLast((stack) => first.has(stack));
    const top = chain.at(-1);
    if (top !== undefined && !first.has(top)) first.set(top, digest);
    if (below === undefined) return undefined;
    return { digest: first.get(below) as Digest, name: undefined, evidence: 'layers' };
  });
}

async function firstByChain(trx: DatabaseTransaction, chains: readonly Digest[]): Promise<Map<Digest, Digest>> {
  if (chains.length === 0) return new Map();
  const { rows } = await sql<{ chain: Digest; digest: Digest }>`
    select distinct on (chain) chain, digest from image
    where chain = any(${chains}::text[]) order by chain, id`.execute(trx);
  return new Map(rows.map((row) => [row.chain, row.digest]));
}
