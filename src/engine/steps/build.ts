import type { FleetImageTable } from '../../database/index.ts';
import type { Digest } from '../../oci/index.ts';
import { isUnchanged, NOTHING_ATTACHED, readPublished } from '../../publish/index.ts';
import { type EngineContext, timed } from '../context.ts';
import { engineError } from '../errors.ts';
import type { Outcome } from '../outcome.ts';
import type { FleetImage } from '../ports.ts';
import type { QueuedJob } from '../queue/queue.ts';
import { alternativesOf, type Task } from '../task.ts';

/** Builds the image and compares it with what its tag names: publish, or stop the cascade. */
export async function buildStep(
  context: EngineContext,
  job: QueuedJob,
  task: Task,
  fleet: ReadonlyMap<string, FleetImageTable>,
  signal: AbortSignal,
): Promise<Outcome> {
  const image = imageOf(context, task);
  const baseDigest = releasedBase(context, task, fleet);
  const previous = digestOrNone(task.previous);
  const previousBaseDigest = digestOrNone(fleet.get(image.image)?.base_digest);
  const alternatives = alternativesOf(task);
  const request = { image, strategy: task.strategy, alternatives, previous, baseDigest, previousBaseDigest };
  const built = await timed(context, 'build', () => context.ports.build.build(request, signal));
  if (built.strategy === 'none') return { kind: 'unchanged', job, task, reason: built.reason, baseDigest };
  const published = await readPublished(context.publisher.catalogue, context.blobs, image);
  if (isUnchanged(built, published)) {
    const reason = 'the result has the content that is published';
    return { kind: 'unchanged', job, task, reason, baseDigest, passedOver: built.passedOver };
  }
  if (published !== undefined && (await context.ports.build.holdsSame?.(built, published.digest)) === true) {
    const reason = 'the result holds what is published: only times, order and caches differ';
    return { kind: 'unchanged', job, task, reason, baseDigest, passedOver: built.passedOver };
  }
  const { signing } = context.ports;
  const attached =
    signing === undefined
      ? NOTHING_ATTACHED
      : await timed(context, 'build', () => signing.attest({ place: image, built, request, run: task.run }, signal));
  return { kind: 'built', job, task, built, baseDigest, attached };
}

/** The fleet's base of a task's image as it is released now. */
export function releasedBase(
  context: EngineContext,
  task: Task,
  fleet: ReadonlyMap<string, FleetImageTable>,
): Digest | undefined {
  const base = context.images.get(task.image)?.base;
  return digestOrNone(base === undefined ? undefined : fleet.get(base)?.digest);
}

function imageOf(context: EngineContext, task: Task): FleetImage {
  const image = context.images.get(task.image);
  if (image !== undefined) return image;
  throw engineError('ENGINE_STATE_LOST', `task ${task.image}: the fleet no longer has this image`, {
    hint: 'It was removed after the run began; the task ends here.',
  });
}

function digestOrNone(value: string | null | undefined): Digest | undefined {
  return (value ?? undefined) as Digest | undefined;
}
