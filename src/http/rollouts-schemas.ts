import { type Static, Type } from 'typebox';
import type * as contract from './rollouts-contract.ts';
import { closed, count, type Matches, next, oneOf, orNull, text, time } from './schema-parts.ts';

const STATES = ['waiting', 'running', 'paused', 'aborting', 'rolledout', 'rolledback', 'overtaken', 'failed'] as const;
const short = Type.String({ minLength: 1, maxLength: 1024 });

export const Rollout = Type.Object(
  {
    id: count,
    cause: oneOf(['release', 'command', 'promotion', 'rollback']),
    image: text,
    reference: text,
    digest: text,
    previous: orNull(text),
    state: oneOf(STATES),
    interrupted: Type.Boolean(),
    hold: orNull(text),
    reason: text,
    until: orNull(time),
    stages: Type.Array(
      Type.Object(
        {
          name: text,
          tag: orNull(text),
          state: oneOf(['done', 'current', 'next']),
          approval: Type.Boolean(),
          approvalsNeeded: count,
          approvedBy: Type.Array(text),
          approvals: Type.Array(Type.Object({ by: text, as: orNull(text), at: time }, closed)),
        },
        closed,
      ),
    ),
    workloads: Type.Array(
      Type.Object(
        {
          workload: text,
          container: text,
          previous: text,
          outcome: orNull(text),
          reason: text,
          step: orNull(count),
          steps: orNull(count),
          weight: orNull(count),
          ready: orNull(count),
          wanted: orNull(count),
          started: time,
          finished: orNull(time),
        },
        closed,
      ),
    ),
    owner: orNull(text),
    started: time,
    updated: time,
    finished: orNull(time),
  },
  closed,
);

export const RolloutPage = Type.Object({ rollouts: Type.Array(Rollout), next }, closed);

export const RolloutHistory = Type.Object(
  {
    rollout: Rollout,
    changes: Type.Array(Type.Object({ at: time, actor: text, state: text, stage: text, reason: text }, closed)),
    measurements: Type.Array(
      Type.Object(
        {
          ...{ at: time, workload: text, container: text, step: count, metric: text },
          outcome: oneOf(['good', 'bad', 'inconclusive']),
          ...{ value: orNull(Type.Number()), before: orNull(Type.Number()), detail: text },
        },
        closed,
      ),
    ),
  },
  closed,
);

export const RolloutSimulation = Type.Object(
  {
    image: text,
    digest: text,
    refused: orNull(text),
    stages: Type.Array(
      Type.Object(
        {
          name: text,
          tag: orNull(text),
          approval: Type.Boolean(),
          soak: count,
          window: Type.Object({ open: Type.Boolean(), until: orNull(time) }, closed),
          zones: Type.Array(
            Type.Object({ zone: text, from: orNull(text), registry: orNull(text), refused: orNull(text) }, closed),
          ),
          workloads: Type.Array(
            Type.Object(
              {
                ...{ workload: text, container: text, batch: count, from: text, to: text, strategy: text },
                unchanged: Type.Boolean(),
              },
              closed,
            ),
          ),
        },
        closed,
      ),
    ),
    unstaged: Type.Array(text),
    missing: Type.Array(text),
  },
  closed,
);

export const RolloutFindings = Type.Object(
  {
    findings: Type.Array(
      Type.Object(
        {
          rule: oneOf(['zone.violation', 'zone.registry']),
          ...{ zone: text, workload: text, container: text, image: text, digest: orNull(text), message: text },
        },
        closed,
      ),
    ),
  },
  closed,
);

export const RolloutRuntimes = Type.Object(
  {
    runtimes: Type.Array(
      Type.Object(
        {
          ...{ name: text, state: oneOf(['usable', 'away']), since: time },
          ...{ reason: text, retry: orNull(time), seen: time },
        },
        closed,
      ),
    ),
  },
  closed,
);

export const Quarantine = Type.Object(
  {
    quarantined: Type.Array(
      Type.Object({ digest: text, image: text, reason: text, foundBy: text, since: time }, closed),
    ),
  },
  closed,
);

export const QuarantineLift = Type.Object(
  {
    digest: Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }),
    reason: Type.Optional(Type.String({ maxLength: 1000 })),
  },
  closed,
);

export const RolloutWord = Type.Object(
  {
    reason: Type.Optional(Type.String({ maxLength: 1000 })),
    now: Type.Optional(Type.Boolean({ description: 'With `resume`: a window is not waited for.' })),
    stage: Type.Optional(Type.String({ minLength: 1, maxLength: 250, description: 'With `approve`.' })),
    quarantine: Type.Optional(
      Type.Boolean({ description: 'With `rollback`: what it brought is never offered again.' }),
    ),
  },
  closed,
);

export const TakeBack = Type.Object(
  {
    workload: short,
    reason: Type.Optional(Type.String({ maxLength: 1000 })),
    quarantine: Type.Optional(Type.Boolean()),
  },
  closed,
);

export const Promotion = Type.Object(
  {
    image: short,
    to: Type.String({ minLength: 1, maxLength: 250, description: 'A stage of the fleet file.' }),
    digest: Type.Optional(Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })),
    skip: Type.Optional(Type.Boolean({ description: 'Stages before it need not have been passed.' })),
  },
  closed,
);

/** Does not compile when a schema and the contract part ways. */
export type Checked = [
  Matches<contract.RolloutPage, Static<typeof RolloutPage>>,
  Matches<contract.RolloutHistory, Static<typeof RolloutHistory>>,
  Matches<contract.RolloutSimulation, Static<typeof RolloutSimulation>>,
  Matches<contract.RolloutFindings, Static<typeof RolloutFindings>>,
  Matches<contract.RolloutRuntimes, Static<typeof RolloutRuntimes>>,
  Matches<contract.Quarantine, Static<typeof Quarantine>>,
  Matches<contract.RolloutWord, Static<typeof RolloutWord>>,
];
