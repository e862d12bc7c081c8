import type { NewEvent } from '../../events/index.ts';
import type { Descriptor, Digest } from '../../oci/index.ts';
import {
  type BuildSummary,
  type Candidate,
  type NewQuarantine,
  type Place,
  type Release,
  summaryOf,
  unchangedEvent,
} from '../../publish/index.ts';
import type { CatalogueEntry } from '../../registry/index.ts';
import { verifiedEvent } from '../events.ts';
import type { Outcome } from '../outcome.ts';
import { alternativesAfter, type Task, type TaskStatus, type TaskStep } from '../task.ts';

/** What later steps need of a build: the `result` column. */
export interface BuildResult {
  readonly descriptor: Descriptor;
  readonly summary: BuildSummary;
  /** Layers of the statements published with it; undefined in results of older versions. */
  readonly statements?: readonly Descriptor[];
}

/** How a task ended, for those that wait for it. */
export type Ending = 'released' | 'unchanged' | 'failed';

/** Everything one outcome changes. */
export interface Effects {
  readonly task: Task;
  readonly next?: { readonly step: TaskStep; readonly delay?: number };
  readonly ending?: Ending;
  readonly candidate?: Candidate;
  readonly release?: Release;
  readonly bad?: NewQuarantine;
  /** What is said about an image that is neither made nor released here. */
  readonly attached?: readonly CatalogueEntry[];
  /** The rollout was undone: the fleet is at the previous image again, and its tag names this. */
  readonly restore?: { readonly tag: Descriptor | undefined };
  readonly events?: readonly NewEvent[];
}

export interface SettleOptions {
  readonly now: Date;
  /** Releases are rolled out here. */
  readonly rollout: boolean;
}

const SENTENCE_LIMIT = 2_000;

/** Pure: the task as it stands and what came of its step → its next state and what else commits with it. */
export function settle(task: Task, outcome: Exclude<Outcome, { kind: 'stale' }>, options: SettleOptions): Effects {
  const change = (status: TaskStatus, step: TaskStep | null, more: Partial<Task> = {}): Task => ({
    ...task,
    status,
    step,
    attempt: 0,
    error: null,
    updated: options.now,
    ...more,
  });
  const over = (status: TaskStatus, reason: string): Effects => ({
    task: change(status, null, { error: reason.slice(0, SENTENCE_LIMIT), attempt: task.attempt }),
    ending: 'failed',
  });
  switch (outcome.kind) {
    case 'began':
      return { task: { ...task, status: 'building', base_digest: outcome.baseDigest ?? null, updated: options.now } };
    case 'built': {
      const { descriptor } = outcome.built;
      const { entries, statements } = outcome.attached;
      const result: BuildResult = { descriptor, summary: summaryOf(outcome.built), statements };
      return {
        task: change('finished', 'verify', {
          digest: descriptor.digest,
          base_digest: outcome.baseDigest ?? null,
          strategy: outcome.built.strategy,
          alternatives: alternativesAfter(task, outcome.built.passedOver, outcome.built.strategy),
          result: JSON.stringify(result),
        }),
        next: { step: 'verify' },
        candidate: { ...placeOf(task), built: outcome.built, previous: previousOf(task), attached: entries },
      };
    }
    case 'unchanged':
      return unchanged(
        change('unchanged', null, {
          base_digest: outcome.baseDigest ?? null,
          alternatives: alternativesAfter(task, outcome.passedOver),
        }),
        outcome.reason,
      );
    case 'verified': {
      const { candidate, checks } = outcome;
      return {
        task: change('succeeded', options.rollout ? 'rollout' : null),
        // Children wait for the rollout too: what is rolled back is no base to build on.
        ...(options.rollout ? { next: { step: 'rollout' } as const } : { ending: 'released' as const }),
        release: { ...candidate, attached: outcome.attached.entries },
        events: [outcome.event ?? verifiedEvent(candidate, checks)],
      };
    }
    case 'rejected':
      return {
        ...over('failed', outcome.reason),
        events: outcome.event === undefined ? [] : [outcome.event],
        attached: outcome.attached.entries,
        bad: {
          image: task.image,
          digest: outcome.candidate.descriptor.digest,
          reason: outcome.reason,
          foundBy: 'verify',
        },
      };
    case 'rolled':
      return rolled(outcome, over, change('succeeded', null));
    case 'failed':
      return over(outcome.status, outcome.reason);
    case 'retry': {
      const status = task.step === 'build' ? 'scheduled' : task.status;
      const again = change(status, task.step, {
        attempt: task.attempt + 1,
        error: outcome.reason.slice(0, SENTENCE_LIMIT),
      });
      return { task: again, ...(task.step === null ? {} : { next: { step: task.step, delay: outcome.delay } }) };
    }
  }
}

/** A task that ends with what is released already. */
export function unchanged(task: Task, reason: string): Effects {
  const digest = previousOf(task);
  return {
    task: { ...task, status: 'unchanged', step: null, digest: digest ?? null, because: reason },
    ending: 'unchanged',
    ...(digest === undefined ? {} : { events: [unchangedEvent(placeOf(task), digest, reason, task.input)] }),
  };
}

function rolled(
  outcome: Extract<Outcome, { kind: 'rolled' }>,
  over: (status: TaskStatus, reason: string) => Effects,
  succeeded: Task,
): Effects {
  const undone = outcome.outcomes.filter((one) => one.kind === 'rolledback');
  const back = undone.find((one) => one.blame === 'image') ?? undone[0];
  if (back === undefined) return { task: succeeded, ending: 'released' };
  const failed = over('failed', `rolled back on ${back.workload}: ${back.reason}`);
  // Without a fair trial the image is not to blame: it stays released, and the next rollout takes it.
  if (back.blame !== 'image') return { ...failed, ending: 'released' };
  return { ...failed, restore: { tag: outcome.restore } };
}

export function placeOf(task: Task): Place {
  return { image: task.image, repository: task.repository, tag: task.tag };
}

export function previousOf(task: Task): Digest | undefined {
  return (task.previous ?? undefined) as Digest | undefined;
}
