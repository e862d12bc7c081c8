import type { NewEvent } from '../events/index.ts';
import type { MissingUpdate } from '../plan/index.ts';
import type { CandidateImage, ImageSource, ReleasedImage } from './ports.ts';
import type { Task } from './task.ts';

/** Same image, same candidates → same event: polling again announces nothing. */
export function outdatedEvent(image: ReleasedImage, missing: readonly MissingUpdate[]): NewEvent {
  const updates = missing.map((one) => `${one.package}:${one.architecture}=${one.candidate}`).sort();
  const security = missing.filter((one) => one.security).length;
  return {
    type: 'io.heraklit.image.outdated',
    subject: image.image,
    key: `${image.image}\n${image.digest}\n${updates.join('\n')}`,
    data: {
      image: image.image,
      repository: image.repository,
      tag: image.tag,
      digest: image.digest,
      packages: missing,
      advisories: [...new Set(missing.flatMap((one) => one.advisories))].sort(),
      reason: `misses ${missing.length} updates, ${security} of them security`,
    },
  };
}

export function verifiedEvent(candidate: CandidateImage, checks: readonly string[]): NewEvent {
  const { image, repository, tag, descriptor, previous } = candidate;
  const data = { image, repository, tag, digest: descriptor.digest, previous: previous ?? null, checks };
  return { type: 'io.heraklit.image.verified', subject: image, key: `${image}\n${descriptor.digest}`, data };
}

/** Progress of a task: what a page shows live. */
export function taskEvent(task: Task): NewEvent {
  const { run, image, level, status, reason, strategy, because, digest, previous, error, attempt } = task;
  const source = task.source === null ? {} : { source: JSON.parse(task.source) as ImageSource };
  return {
    type: 'io.heraklit.task.changed',
    subject: image,
    key: `${run}\n${image}\n${status}\n${task.step ?? ''}\n${attempt}`,
    data: {
      run,
      image,
      level,
      status,
      strategy,
      because,
      cause: reason,
      digest,
      previous,
      reason: error ?? because,
      ...source,
    },
  };
}

export function runEvent(
  run: string,
  fleet: string,
  kind: 'started' | 'finished',
  tasks: Record<string, number>,
): NewEvent {
  return {
    type: `io.heraklit.run.${kind}`,
    subject: run,
    key: run,
    data: { run, fleet, tasks },
  };
}
