import type { FleetRollout, FleetStrategy, FleetWorkload, FleetZone } from '../../recipe/index.ts';
import type { RolloutStrategy } from '../../runtime/index.ts';
import type { PlannedStage, PlannedWorkload, RolloutPlan, SlotSettings } from './plan.ts';
import { inOrder } from './zones.ts';

const SECOND = 1_000;
const DEFAULT_DEADLINE_SECONDS = 300;
/** Of the only stage, where none is named. */
export const ONLY_STAGE = 'all';

/** What the fleet file says of rollouts, for one of its images; times become milliseconds. */
export function planOfFleet(
  { rollout = {}, zones = [] }: { readonly rollout?: FleetRollout; readonly zones?: readonly FleetZone[] },
  image: string,
): RolloutPlan {
  const named = rollout.workloads?.filter((one) => one.image === image).map(plannedWorkload);
  return {
    stages: stagesOf(rollout, zones),
    ...(named === undefined ? {} : { workloads: named }),
    settings: {
      deadline: (rollout.deadline ?? DEFAULT_DEADLINE_SECONDS) * SECOND,
      ...(rollout.strategy === undefined ? {} : { strategy: strategyOf(rollout.strategy) }),
    },
    approvers: rollout.approvers ?? [],
    zones,
  };
}

function stagesOf(rollout: FleetRollout, zones: readonly FleetZone[]): readonly PlannedStage[] {
  const { batch = 1, windows = [], stages } = rollout;
  const plain = { soak: 0, approval: false, batch, windows };
  if (stages !== undefined) {
    return stages.map(({ name, tag = name, soak = 0, zone, workloads, clusters, namespaces, ...stage }) => ({
      ...{ name, soak: soak * SECOND, approval: stage.approval === true || stage.approvals !== undefined },
      ...{ batch: stage.batch ?? batch, windows: stage.windows ?? windows },
      ...(stage.approvals === undefined ? {} : { approvals: stage.approvals }),
      ...(tag === '' ? {} : { tag }),
      ...(zone === undefined ? {} : { zone }),
      ...(workloads === undefined ? {} : { workloads }),
      ...(clusters === undefined ? {} : { clusters }),
      ...(namespaces === undefined ? {} : { namespaces }),
    }));
  }
  if (zones.length === 0) return [{ name: ONLY_STAGE, ...plain }];
  const each = inOrder(zones).map(({ name }) => ({ name, zone: name, ...plain }));
  return [{ name: 'no zone', zone: '', ...plain }, ...each];
}

function plannedWorkload({ workload, container, deadline, health, strategy }: FleetWorkload): PlannedWorkload {
  return {
    workload,
    ...(container === undefined ? {} : { container }),
    ...(deadline === undefined ? {} : { deadline: deadline * SECOND }),
    ...(health === undefined ? {} : { health }),
    ...(strategy === undefined ? {} : { strategy: strategyOf(strategy) }),
  } satisfies Partial<SlotSettings> & PlannedWorkload;
}

/** The fleet file's words → what runtimes take. */
function strategyOf(strategy: FleetStrategy): RolloutStrategy {
  if (strategy === 'rolling') return { kind: 'rolling' };
  if ('blueGreen' in strategy) {
    const { keep, ...services } = strategy.blueGreen;
    return { kind: 'blueGreen', ...services, ...(keep === undefined ? {} : { keep: keep * SECOND }) };
  }
  const { steps, traffic } = strategy.canary;
  return {
    kind: 'canary',
    steps: steps.map(({ weight, pause }) => ({
      weight,
      ...(pause === undefined ? {} : { pause: typeof pause === 'number' ? pause * SECOND : pause }),
    })),
    ...(traffic === undefined ? {} : { traffic: trafficOf(traffic) }),
  };
}

function trafficOf(traffic: NonNullable<Extract<FleetStrategy, { canary: object }>['canary']['traffic']>) {
  if (traffic === 'replicas') return { kind: 'replicas' } as const;
  if ('gateway' in traffic) return { kind: 'gateway', route: traffic.gateway } as const;
  return { kind: 'ingress', ingress: traffic.ingress } as const;
}
