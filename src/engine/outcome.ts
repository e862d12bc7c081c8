import type { BuiltImage } from '../build/index.ts';
import type { NewEvent } from '../events/index.ts';
import type { Descriptor, Digest } from '../oci/index.ts';
import type { Attached } from '../publish/index.ts';
import type { RolloutOutcome } from '../runtime/index.ts';
import type { CandidateImage } from './ports.ts';
import type { QueuedJob } from './queue/queue.ts';
import type { Task, TaskStatus } from './task.ts';

interface Ended {
  readonly job: QueuedJob;
  readonly task: Task;
}

/** What came of one step of one task. `commit.ts` makes it state. */
export type Outcome =
  | (Ended & { readonly kind: 'began'; readonly baseDigest: Digest | undefined })
  /** The task has moved on since the job was queued. */
  | (Ended & { readonly kind: 'stale' })
  | (Ended & {
      readonly kind: 'built';
      readonly built: BuiltImage;
      readonly baseDigest: Digest | undefined;
      readonly attached: Attached;
    })
  | (Ended & {
      readonly kind: 'unchanged';
      readonly reason: string;
      readonly baseDigest: Digest | undefined;
      readonly passedOver?: BuiltImage['passedOver'];
    })
  | (Ended & {
      readonly kind: 'verified';
      readonly candidate: CandidateImage;
      readonly checks: readonly string[];
      readonly attached: Attached;
      readonly event?: NewEvent | undefined;
    })
  | (Ended & {
      readonly kind: 'rejected';
      readonly candidate: CandidateImage;
      readonly reason: string;
      /** The statement that its tests failed. */
      readonly attached: Attached;
      readonly event?: NewEvent | undefined;
    })
  | (Ended & {
      readonly kind: 'rolled';
      readonly released: CandidateImage;
      readonly outcomes: readonly RolloutOutcome[];
      /** What the tag named before: restored when a rollout was rolled back. */
      readonly restore: Descriptor | undefined;
    })
  | (Ended & { readonly kind: 'failed'; readonly status: TaskStatus; readonly reason: string })
  | (Ended & { readonly kind: 'retry'; readonly reason: string; readonly delay: number });
