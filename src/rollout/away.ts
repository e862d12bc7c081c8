import { systemClock } from '../base/index.ts';
import type { WorkloadRuntime } from '../runtime/index.ts';
import type { Campaign } from './campaign/record.ts';
import { knownWorkloads } from './known-workloads.ts';
import type { RollOutContext } from './survey.ts';
import { type Surveyed, supersededByRunning, targetsOf } from './targets.ts';

/** Whether a workload is one of a runtime's that cannot be asked itself. */
export async function isOf(runtime: WorkloadRuntime): Promise<(workload: string) => boolean> {
  const scope = await runtime.scope?.().catch(() => undefined);
  if (scope !== undefined) return (id) => id.startsWith(scope.prefix);
  const { name } = runtime;
  const engine = /^(?:engine|podman|docker)(@.+)?$/.exec(name);
  if (engine === null) return (id) => id.startsWith(`${name}:`) || id.startsWith(`${name}/`);
  const at = engine[1] ?? '';
  return (id) => ['podman', 'docker'].some((kind) => id.startsWith(`${kind}${at}:`));
}

/** Milliseconds: what nobody has seen for a week is not waited for. */
const REMEMBERED = 7 * 86_400_000;

/**
 * Workloads that a stage of a rollout is to change, as they were known last, and whose runtime does not answer now. What
 * runs the image already is none of them.
 */
export async function awayTargets(
  { database, runtimes, clock = systemClock }: RollOutContext,
  campaign: Campaign,
  surveyed: Surveyed,
): Promise<readonly string[]> {
  const { kysely: reader } = database;
  const answering = new Set(surveyed.map(([runtime]) => runtime));
  const away = runtimes.filter((runtime) => !answering.has(runtime));
  if (away.length === 0) return [];
  const theirs = await Promise.all(away.map(isOf));
  const known = (await knownWorkloads(reader, new Date(clock.now() - REMEMBERED))).filter(({ id }) =>
    theirs.some((has) => has(id)),
  );
  if (known.length === 0) return [];
  // What nobody has is told by those that answer.
  const lenient = { ...campaign, plan: { ...campaign.plan, strict: false } };
  const { targets } = targetsOf(lenient, known, await supersededByRunning(reader, known));
  const due = targets.filter(
    ({ stage, previousDigest }) => stage === campaign.stage && previousDigest !== campaign.digest,
  );
  return [...new Set(due.map(({ workload }) => workload.id))];
}
