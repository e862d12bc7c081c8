import { type Static, Type } from 'typebox';
import type * as contract from './contract.ts';
import { PackageChange, usage } from './package-schemas.ts';
import { closed, count, type Matches, next, oneOf, orNull, text, time } from './schema-parts.ts';
import type * as workloads from './workloads-contract.ts';

const Grade = oneOf(['A', 'B', 'C', 'D', 'E', 'F'] as const);
const Strategy = oneOf(['compose', 'rebase', 'patch', 'rebuild', 'none'] as const);
const Verdict = oneOf(['next', 'unfit', 'excluded', 'refused'] as const);
const TaskStatus = oneOf([
  'scheduled',
  'blocked',
  'building',
  'finished',
  'succeeded',
  'failed',
  'unchanged',
  'unresolvable',
  'broken',
  'disabled',
  'excluded',
  'locked',
] as const);

const FleetImage = Type.Object(
  {
    name: text,
    reference: text,
    digest: orNull(text),
    distribution: orNull(text),
    base: orNull(text),
    level: count,
    packages: count,
    bytes: count,
    findings: Type.Object({ total: count, security: count, advisories: count }, closed),
    grade: orNull(Grade),
    dropsAt: Type.Optional(orNull(time)),
    endOfSupport: Type.Optional(orNull(text)),
    unsupported: orNull(text),
    strategy: orNull(Strategy),
    status: oneOf(['released', 'candidate', 'quarantined', 'unbuilt'] as const),
    builtAt: orNull(time),
    workloads: count,
  },
  closed,
);

export const WebhookAnswer = Type.Object(
  {
    result: oneOf(['accepted', 'duplicate', 'ignored', 'ping'] as const),
    reason: Type.Optional(text),
    images: Type.Optional(Type.Array(text)),
  },
  closed,
);

export const FleetTotals = Type.Object(
  {
    images: count,
    outdated: count,
    findings: count,
    security: count,
    advisories: count,
    packages: count,
    workloads: count,
    grades: Type.Object({ A: count, B: count, C: count, D: count, E: count, F: count }, closed),
  },
  closed,
);

export const Fleet = Type.Object(
  {
    generatedAt: time,
    totals: FleetTotals,
    images: Type.Array(FleetImage),
  },
  closed,
);

const Finding = Type.Object(
  {
    ...usage,
    package: text,
    arch: text,
    installed: text,
    candidate: text,
    repository: text,
    security: Type.Boolean(),
    severity: oneOf(['critical', 'important', 'other'] as const),
    advisories: Type.Array(text),
    since: time,
    score: Type.Optional(Type.Number({ minimum: 0, maximum: 10, description: 'highest CVSS base score' })),
    notAffected: Type.Optional(
      Type.Array(Type.Object({ id: text, justification: text, statement: text }, closed), {
        description: 'advisories that a statement (VEX) says are no issue here',
      }),
    ),
  },
  closed,
);

export const Outdated = Type.Object(
  {
    images: Type.Array(
      Type.Object(
        {
          reference: text,
          digest: orNull(text),
          distribution: orNull(text),
          unsupported: orNull(text),
          findings: Type.Array(Finding),
        },
        closed,
      ),
    ),
    next,
  },
  closed,
);

const Alternative = Type.Object({ strategy: Strategy, verdict: Verdict, because: text }, closed);

const PlanTask = Type.Object(
  {
    image: text,
    level: count,
    status: TaskStatus,
    reason: oneOf(['new build', 'source change', 'meta change', 'retrying bad build'] as const),
    strategy: Strategy,
    because: text,
    alternatives: Type.Array(Alternative),
    after: Type.Array(text),
    missing: count,
    security: count,
    seconds: orNull(Type.Number({ minimum: 0 })),
    error: orNull(text),
  },
  closed,
);

export const Plan = Type.Object(
  {
    id: orNull(text),
    createdAt: orNull(time),
    status: oneOf(['empty', 'planned', 'running', 'finished', 'failed'] as const),
    tasks: Type.Array(PlanTask),
  },
  closed,
);

const Layer = Type.Object(
  {
    digest: text,
    compressedBytes: count,
    bytes: count,
    entries: count,
    wastedBytes: count,
    createdBy: orNull(text),
    added: count,
    changed: count,
    removed: count,
  },
  closed,
);

export const Layers = Type.Object(
  {
    reference: text,
    digest: orNull(text),
    bytes: count,
    compressedBytes: count,
    wastedBytes: count,
    efficiency: Type.Number({ minimum: 0, maximum: 1 }),
    layers: Type.Array(Layer),
  },
  closed,
);

export const Diff = Type.Object(
  {
    from: text,
    to: text,
    identical: Type.Boolean(),
    sharedLayers: count,
    packages: Type.Array(
      Type.Object({ package: text, type: text, arch: text, from: orNull(text), to: orNull(text) }, closed),
    ),
    files: orNull(Type.Object({ added: count, removed: count, changed: count }, closed)),
    config: Type.Array(Type.Object({ field: text, from: orNull(text), to: orNull(text) }, closed)),
  },
  closed,
);

export const Explanation = Type.Object(
  {
    image: text,
    reference: orNull(text),
    builds: Type.Array(
      Type.Object(
        {
          run: text,
          at: time,
          status: TaskStatus,
          reason: text,
          strategy: Strategy,
          because: text,
          alternatives: Type.Array(Alternative),
          tested: orNull(Type.Object({ passed: Type.Boolean(), tests: Type.Array(text) }, closed)),
          signed: Type.Array(Type.Object({ key: text, what: Type.Array(text) }, closed)),
          runs: Type.Array(text),
          digest: orNull(text),
          previous: orNull(text),
          base: Type.Object({ from: orNull(text), to: orNull(text) }, closed),
          changes: orNull(Type.Array(Type.Object(PackageChange, closed))),
          missing: Type.Array(Type.Object({ package: text, installed: text, candidate: text }, closed)),
          advisories: Type.Array(text),
          error: orNull(text),
        },
        closed,
      ),
    ),
    next,
  },
  closed,
);

export const Workloads = Type.Object(
  {
    workloads: Type.Array(
      Type.Object(
        {
          id: text,
          container: text,
          role: text,
          name: text,
          kind: text,
          namespace: orNull(text),
          image: text,
          digest: orNull(text),
          running: Type.Array(Type.Object({ digest: text, replicas: count }, closed)),
          current: Type.Boolean(),
          state: oneOf(['running', 'progressing', 'degraded', 'stopped', 'rolled back'] as const),
          grade: Type.Optional(orNull(Grade)),
          dropsAt: Type.Optional(orNull(time)),
          ready: count,
          wanted: count,
        },
        closed,
      ),
    ),
    clusters: Type.Array(
      Type.Object(
        {
          name: text,
          synced: orNull(time),
          failing: orNull(time),
          problems: Type.Array(text),
          workloads: orNull(count),
        },
        closed,
      ),
    ),
  },
  closed,
);

const EventRecord = Type.Object(
  {
    specversion: Type.Literal('1.0'),
    id: text,
    source: text,
    type: text,
    subject: text,
    time,
    datacontenttype: Type.Literal('application/json'),
    data: Type.Unknown(),
    sequence: count,
  },
  closed,
);

export const Events = Type.Object({ events: Type.Array(EventRecord), next: count }, closed);

export const Problem = Type.Object(
  {
    error: Type.Object({ code: text, message: text, hint: orNull(text), retryable: Type.Boolean() }, closed),
  },
  closed,
);

/** Does not compile when a schema and the contract part ways. */
export type Checked = [
  Matches<contract.Fleet, Static<typeof Fleet>>,
  Matches<contract.Outdated, Static<typeof Outdated>>,
  Matches<contract.Plan, Static<typeof Plan>>,
  Matches<contract.Layers, Static<typeof Layers>>,
  Matches<contract.Diff, Static<typeof Diff>>,
  Matches<contract.Explanation, Static<typeof Explanation>>,
  Matches<workloads.Workloads, Static<typeof Workloads>>,
  Matches<contract.Events, Static<typeof Events>>,
  Matches<contract.Problem, Static<typeof Problem>>,
];
