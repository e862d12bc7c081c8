import {
  type Campaign,
  type CampaignSlot,
  hasEnded,
  nameOf,
  type simulate,
  strategyText,
} from '../../rollout/index.ts';
import type { Rollout, RolloutSimulation } from '../rollouts-contract.ts';

const iso = (at: number | undefined): string | null =>
  at === undefined || !Number.isFinite(at) ? null : new Date(at).toISOString();

export interface Copies {
  readonly ready: number | null;
  readonly wanted: number;
}

export const copiesKey = (slot: { readonly workload: string; readonly container: string }): string =>
  `${slot.workload}\n${slot.container}`;

/** A rollout as it is told. */
export function rolloutView(
  campaign: Campaign,
  slots: readonly CampaignSlot[],
  approvals: readonly {
    readonly stage: string;
    readonly actor: string;
    readonly approver: string | null;
    readonly at: Date;
  }[],
  now: number,
  copies: ReadonlyMap<string, Copies> = new Map(),
): Rollout {
  const { plan, stage: current, state, ownedUntil } = campaign;
  const owned = ownedUntil !== undefined && ownedUntil > now;
  return {
    ...{ id: campaign.id, cause: campaign.cause, image: campaign.name, reference: campaign.image },
    ...{ digest: campaign.digest, previous: campaign.previous ?? null, state },
    interrupted: (state === 'running' || state === 'aborting') && !owned,
    ...{ hold: campaign.hold ?? null, reason: campaign.reason, until: iso(campaign.until) },
    stages: plan.stages.map(({ name, tag = null, approval, approvals: needed = 1 }, index) => ({
      ...{ name, tag, approval },
      state:
        index < current || state === 'rolledout' ? 'done' : index === current && !hasEnded(state) ? 'current' : 'next',
      approvalsNeeded: approval ? needed : 0,
      approvedBy: approvals.filter((one) => one.stage === name).map(({ actor }) => actor),
      approvals: approvals
        .filter((one) => one.stage === name)
        .map(({ actor, approver, at }) => ({ by: actor, as: approver, at: at.toISOString() })),
    })),
    workloads: slots.map((slot) => ({
      ...{ workload: slot.workload, container: slot.container, previous: slot.previous },
      ...{ outcome: slot.outcome ?? null, reason: slot.reason === '' ? (slot.proposed ?? '') : slot.reason },
      step: slot.step === undefined ? null : slot.step + 1,
      ...{ steps: slot.steps ?? null, weight: slot.weight ?? null },
      ready: copies.get(copiesKey(slot))?.ready ?? null,
      wanted: copies.get(copiesKey(slot))?.wanted ?? null,
      ...{ started: new Date(slot.started).toISOString(), finished: iso(slot.finished) },
    })),
    owner: owned ? (nameOf(campaign.owner) ?? null) : null,
    started: new Date(campaign.started).toISOString(),
    updated: new Date(campaign.updated).toISOString(),
    finished: iso(campaign.finished),
  };
}

export function simulationView(
  image: string,
  digest: string,
  simulation: ReturnType<typeof simulate>,
  quarantined: string | undefined,
): RolloutSimulation {
  const refused = quarantined === undefined ? simulation.refused : `its digest is quarantined: ${quarantined}`;
  return {
    ...{ image, digest, refused: refused ?? null, missing: simulation.missing },
    unstaged: simulation.unstaged.map(({ workload }) => workload.id),
    stages: simulation.stages.map(({ stage, window, zones, targets }) => ({
      ...{ name: stage.name, tag: stage.tag ?? null, approval: stage.approval, soak: stage.soak / 1_000 },
      window: { open: window.open, until: iso(window.open ? window.until : window.opens) },
      zones: zones.map(({ zone, entry }) => ({
        ...{ zone: zone.name, registry: zone.registry?.endpoint ?? null },
        from: entry.kind === 'allowed' ? entry.from : null,
        refused: entry.kind === 'refused' ? entry.reason : null,
      })),
      workloads: targets.map(({ workload, container, previous, settings, batch, unchanged, ...target }) => ({
        ...{ workload: workload.id, container, batch, unchanged, from: previous, to: target.image },
        strategy: strategyText(settings),
      })),
    })),
  };
}
