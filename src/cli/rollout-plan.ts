import type { LoadedFleet } from '../engine/index.ts';
import type { FleetRollout } from '../recipe/index.ts';
import type { PlannedWorkload, RolloutPlan } from '../rollout/index.ts';
import type { HealthCheck } from '../runtime/index.ts';
import { placedAnalysis } from './rollout-options.ts';

export interface CommandPlanOptions {
  /** Names, `namespace/name` or ids; all that run what the image supersedes when empty. */
  readonly workloads: readonly string[];
  /** Image of the fleet, as far as it is known. */
  readonly image: string;
  /** What its settings are taken from, where options say nothing. */
  readonly fleet: Pick<LoadedFleet, 'document' | 'directory'> | undefined;
  /** What options say. */
  readonly settings: FleetRollout;
  readonly approval: boolean;
  /** Seconds. */
  readonly deadline: number | undefined;
  readonly batch: number | undefined;
  readonly health: HealthCheck | undefined;
}

/** What a rollout goes by that somebody asks for by command: the fleet file's words, and before them the options'. */
export async function commandPlan(options: CommandPlanOptions): Promise<RolloutPlan> {
  const { planOfFleet } = await import('../rollout/index.ts');
  const { fleet, settings, workloads, image, deadline, batch, health, approval } = options;
  const { rollout = {}, zones = [] } = fleet?.document ?? {};
  const said = {
    ...settings,
    ...(deadline === undefined ? {} : { deadline }),
    ...(batch === undefined ? {} : { batch }),
  };
  const plan = planOfFleet({ rollout: { ...rollout, ...said, ...overStages(rollout, said) }, zones }, image);
  const analysis = settings.analysis ?? rollout.analysis;
  const folder = fleet?.directory ?? '.';
  const planned = (plan.workloads ?? []).map((one) => withAnalysis(withoutOwn(one, options), options, folder));
  const named = workloads.map(
    (workload): PlannedWorkload => planned.find((one) => one.workload === workload) ?? { workload },
  );
  const { workloads: ofFleet, ...rest } = plan;
  const touched = workloads.length > 0 ? named : ofFleet === undefined ? undefined : planned;
  return {
    ...rest,
    ...(touched === undefined ? {} : { workloads: touched }),
    ...(approval ? { stages: plan.stages.map((stage) => ({ ...stage, approval: true })) } : {}),
    strict: true,
    settings: {
      ...plan.settings,
      ...(health === undefined ? {} : { health }),
      ...(analysis === undefined ? {} : { analysis: placedAnalysis(analysis, folder) }),
    },
  };
}

/** What was said for all of it is said for each of its stages. */
function overStages({ stages }: FleetRollout, { windows, batch }: Pick<FleetRollout, 'windows' | 'batch'>) {
  if (stages === undefined) return {};
  const over = { ...(windows === undefined ? {} : { windows }), ...(batch === undefined ? {} : { batch }) };
  return { stages: stages.map((stage) => ({ ...stage, ...over })) };
}

/** An option is for all workloads, whatever the fleet file says of one. */
function withoutOwn(planned: PlannedWorkload, { settings, deadline, health }: CommandPlanOptions): PlannedWorkload {
  const { strategy, ...one } = planned;
  return {
    ...one,
    ...(settings.strategy === undefined && strategy !== undefined ? { strategy } : {}),
    ...(deadline === undefined ? {} : { deadline: deadline * 1_000 }),
    ...(health === undefined ? {} : { health }),
  };
}

function withAnalysis(planned: PlannedWorkload, options: CommandPlanOptions, folder: string): PlannedWorkload {
  const { workloads = [] } = options.fleet?.document.rollout ?? {};
  const analysis =
    options.settings.analysis ?? workloads.find(({ workload }) => workload === planned.workload)?.analysis;
  return analysis === undefined ? planned : { ...planned, analysis: placedAnalysis(analysis, folder) };
}
