import type { LoadedFleet } from '../engine/index.ts';
import type { GitopsRuntime } from '../gitops/index.ts';
import type { RollOutResult } from '../rollout/index.ts';
import type { CliContext } from './context.ts';
import { cliError } from './errors.ts';
import type { GitopsPlace } from './gitops-state.ts';
import { carryContext } from './rollout-setup.ts';
import type { OpenRollouts } from './rollouts.ts';

export interface WrittenImage extends RollOutResult {
  /** Of the fleet. */
  readonly image: string;
}

/**
 * Writes what is to be written, as one rollout for each image: by the fleet's stages, windows, approvals and zones, as `serve` does.
 * @throws CLI_USAGE where a server holds the home and writes by itself
 */
export async function writeGitops(
  { database }: OpenRollouts,
  fleet: LoadedFleet,
  what: {
    readonly places: readonly GitopsPlace[];
    readonly runtimes: readonly GitopsRuntime[];
    readonly registry: string | undefined;
  },
  context: CliContext,
): Promise<readonly WrittenImage[]> {
  if (database === undefined) {
    throw cliError('CLI_USAGE', 'a server holds this home, and writes to git by itself', {
      hint: '`heraklit gitops status` shows how far it is.',
    });
  }
  const open = what.places.filter(({ state }) => state === 'commit' || state === 'propose' || state === 'proposed');
  const byImage = Map.groupBy(open, ({ image }) => image ?? '');
  const [rollout, { openWorkshop }] = await Promise.all([import('../rollout/index.ts'), import('../engine/index.ts')]);
  const { home, log, progress, signal } = context;
  const workshop = openWorkshop({ home, log, progress, signal });
  const used = what.runtimes.filter(({ name }) => open.some(({ repository }) => name === `gitops:${repository}`));
  const carry = await carryContext({ fleet, database, runtimes: used, workshop, context });
  const results: WrittenImage[] = [];
  for (const [image, places] of byImage) {
    const released = await rollout.releasedImage(database.kysely, fleet.fleet.name, image);
    if (released === undefined) continue;
    const { repository, tag, digest } = released;
    const last = what.registry ?? (await rollout.registryOfLast(database.kysely, image, repository)) ?? 'registry';
    const plan = rollout.planOfFleet(fleet.document, image);
    const workloads = places.map((one) => ({
      ...{ workload: `gitops:${one.repository}/${one.file}`, container: one.place },
    }));
    const result = await rollout.rollOutPlanned(
      { ...carry, progress },
      {
        ...{ cause: 'command', name: image, fleet: fleet.fleet.name, repository, tag, digest, previous: undefined },
        ...{ image: `${last}/${repository}@${digest}`, plan: { ...plan, workloads }, anyTime: false, carrier: 'loop' },
      },
      'owner',
    );
    results.push({ image, ...result });
  }
  context.settle();
  return results;
}
