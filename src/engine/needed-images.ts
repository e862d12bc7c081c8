import { sql } from 'kysely';
import type { NeededImages, RunningReferences } from '../registry/index.ts';

/**
 * Digests that the fleet counts on, whatever tags there are: what collection keeps the bytes of and retention keeps the
 * manifests of. `running` is what workloads were last seen with, also by rollouts under way; `released` what the
 * fleet's images are at; `base` what they and running images stand on; `rollback` what they were at before; `task`
 * candidates and bases of a run under way.
 */
export const neededImages: NeededImages = sql`
  select digest, 'running' as reason from workload_image
  union all select digest, 'running' from rollout where finished is null
  union all select substring(previous from 'sha256:[0-9a-f]{64}'), 'rollback' from rollout where finished is null
  union all select digest, 'released' from fleet_image where digest is not null
  union all select base_digest, 'base' from fleet_image where base_digest is not null
  union all select i.base_digest, 'base' from image i where i.base_digest is not null
    and (i.digest in (select digest from fleet_image) or i.digest in (select digest from workload_image))
  union all select named.digest, 'task' from task t join run r on r.id = t.run,
    unnest(array[t.digest, t.base_digest, t.previous, t.previous_base]) as named (digest)
    where r.status = 'running' and named.digest is not null
  union all select named.digest, 'rollback' from (
      select distinct on (t.image) t.previous, t.previous_base from task t join fleet_image f on f.name = t.image
      where t.previous is not null and t.previous <> coalesce(f.digest, '') and t.step is null
      order by t.image, t.updated desc
    ) last, unnest(array[last.previous, last.previous_base]) as named (digest) where named.digest is not null
`;

/** What workloads are configured to run: by a tag, where their digest is not known. */
export const runningReferences: RunningReferences = sql`select image from workload where image <> ''`;
