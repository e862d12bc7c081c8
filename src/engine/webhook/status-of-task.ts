import type { CommitState } from '../../forge/index.ts';
import type { TaskStatus } from '../task.ts';

/** What a task's state means at the commit that it is made from; undefined where the user wants nothing made. */
export function commitStateOf(status: TaskStatus): CommitState | undefined {
  switch (status) {
    case 'scheduled':
    case 'blocked':
    case 'building':
    case 'finished':
      return 'pending';
    case 'succeeded':
    case 'unchanged':
      return 'success';
    case 'failed':
    case 'broken':
    case 'unresolvable':
      return 'failure';
    case 'excluded':
      return 'error';
    case 'disabled':
    case 'locked':
      return undefined;
  }
}

/** One line for people, from what is in the event alone. */
export function describeTask(status: TaskStatus, image: string, digest: string | null, reason: string): string {
  if (status === 'succeeded') return `${image} is released${digest === null ? '' : ` as ${digest.slice(0, 19)}`}`;
  if (status === 'finished') return `${image} is built and being tested`;
  if (status === 'building') return `${image} is being built`;
  if (status === 'scheduled' || status === 'blocked') return `${image} waits to be built`;
  if (status === 'unchanged') return `${image} is unchanged: ${reason}`;
  return `${image}: ${reason}`;
}
