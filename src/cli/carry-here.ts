import type { CliContext } from './context.ts';
import { fleetHosts } from './engine-hosts.ts';
import { clustersOf } from './fleet-clusters.ts';
import { openGitopsRuntimes } from './gitops-runtimes.ts';
import { carryContext } from './rollout-setup.ts';
import type { OpenRollouts } from './rollouts.ts';
import { openRuntimes, type RuntimeOptions } from './runtimes.ts';

/**
 * Carries rollouts on until they end or have to wait, where no server does. One that another process is at is left to it.
 * @throws what carrying on throws
 */
export async function carryHere(
  { database, fleet }: OpenRollouts,
  ids: readonly number[],
  options: RuntimeOptions,
  context: CliContext,
): Promise<void> {
  if (database === undefined || ids.length === 0) return;
  const [{ carryCampaign }, { openWorkshop }] = await Promise.all([
    import('../rollout/index.ts'),
    import('../engine/index.ts'),
  ]);
  await using resources = new AsyncDisposableStack();
  const runtimes = [
    ...(await openRuntimes(
      options,
      fleet === undefined ? {} : { hosts: fleetHosts(fleet), clusters: clustersOf(fleet) },
    )),
    ...(fleet === undefined ? [] : await openGitopsRuntimes(fleet, context)),
  ];
  for (const runtime of runtimes) resources.defer(async () => await runtime.close());
  const { home, log, progress, signal } = context;
  const workshop = openWorkshop({ home, log, progress, signal });
  const carry = await carryContext({ fleet, database, runtimes, workshop, context });
  for (const id of ids) {
    const carried = await carryCampaign({ ...carry, progress }, id);
    if (carried.kind === 'held') log.warn(`rollout ${id} is carried on by ${carried.by}`);
  }
  context.settle();
}
