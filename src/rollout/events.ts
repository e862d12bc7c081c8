import type { EventType, NewEvent } from '../events/index.ts';
import type { Digest } from '../oci/index.ts';

export interface RolloutEventData {
  readonly digest: Digest;
  readonly image: string;
  readonly workload: string;
  readonly container: string;
  /** Image reference that ran before. */
  readonly previous: string;
  readonly reason: string;
  /** True where requests could fail, because old and new could not run at once. */
  readonly interrupted: boolean;
  readonly milliseconds: number;
}

/** One event for one row of `rollout`, whatever number of processes it took. */
export function rolloutEvent(kind: 'rolledout' | 'rolledback', row: number, data: RolloutEventData): NewEvent {
  const type: EventType = `io.heraklit.image.${kind}`;
  return { type, subject: data.image, data, key: `${data.workload}\n${data.container}\n${data.digest}\n${row}` };
}

/** A stage tag names another digest now: the same one that was tested before. */
export function promotedEvent(
  rollout: {
    readonly id: number;
    readonly name: string;
    readonly repository: string;
    readonly digest: Digest;
  },
  tag: string,
  stage: string,
  previous: Digest | null,
): NewEvent {
  const { id, name, repository, digest } = rollout;
  return {
    type: 'io.heraklit.image.promoted',
    subject: name,
    key: `${id}\n${tag}\n${digest}`,
    data: { image: name, repository, tag, stage, digest, previous, rollout: id },
  };
}
