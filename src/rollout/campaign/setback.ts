import type { DatabaseReader } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import { quarantined } from '../../publish/index.ts';
import type { RolloutOutcome } from '../../runtime/index.ts';

/** How the last rollout of an image's release ended, where its image is to blame and quarantined since. */
export async function setbackOf(
  reader: DatabaseReader,
  name: string,
  digest: Digest,
): Promise<Extract<RolloutOutcome, { kind: 'rolledback' }> | undefined> {
  if ((await quarantined(reader, digest)) === undefined) return undefined;
  const row = await reader
    .selectFrom('rollout')
    .innerJoin('rollout_campaign', 'rollout_campaign.id', 'rollout.campaign')
    .select(['rollout.workload', 'rollout.previous', 'rollout.image', 'rollout.reason', 'rollout.interrupted'])
    .select('rollout.milliseconds')
    .where('rollout_campaign.name', '=', name)
    .where('rollout_campaign.cause', '=', 'release')
    .where('rollout.digest', '=', digest)
    .where('rollout.outcome', '=', 'rolledback')
    .orderBy('rollout.id', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { workload, previous: from, image: to, reason, interrupted, milliseconds } = row;
  const base = { kind: 'rolledback', blame: 'image', workload, from, to, interrupted } as const;
  return { ...base, reason: reason ?? '', milliseconds: milliseconds ?? 0 };
}
