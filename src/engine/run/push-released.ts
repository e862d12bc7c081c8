import { asCodedError, HeraklitError, messageOf } from '../../base/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { PlanProblem } from '../../plan/index.ts';
import type { EngineContext } from '../context.ts';
import type { PushPort } from '../ports.ts';

/** Images on their way at once. */
const PARALLEL_PUSHES = 2;
/** Failures in a row after which the registry counts as gone until the next call. */
const GIVE_UP_AFTER = 3;

interface Waiting {
  readonly name: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: Digest;
  readonly target: string;
}

/**
 * Gives an outside registry every released image of the fleet that it does not have under its tag yet. What is to be
 * done is the difference between two tables, so a killed process, a registry that was away and a release that was taken
 * back are all made good by the next call. A failure is a problem told, not an error: the image is released here.
 */
export async function pushReleased(
  context: EngineContext,
  port: PushPort,
  signal: AbortSignal,
): Promise<readonly PlanProblem[]> {
  const queue = (await waitingFor(context, port)).values();
  const problems: PlanProblem[] = [];
  let failures = 0;
  const work = async (): Promise<void> => {
    for (const image of queue) {
      signal.throwIfAborted();
      if (failures >= GIVE_UP_AFTER) return;
      try {
        await port.push(image, signal);
        await record(context, image);
        failures = 0;
      } catch (error) {
        if (signal.aborted) throw error;
        failures += 1;
        problems.push(problemOf(image, error));
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_PUSHES }, work));
  return problems;
}

async function waitingFor({ database, fleet }: EngineContext, port: PushPort): Promise<readonly Waiting[]> {
  const [released, pushed] = await Promise.all([
    database.kysely
      .selectFrom('fleet_image')
      .select(['name', 'repository', 'tag', 'digest'])
      .where('fleet', '=', fleet.name)
      .where('digest', 'is not', null)
      .orderBy('name')
      .execute(),
    database.kysely.selectFrom('pushed_image').select(['name', 'target', 'digest']).execute(),
  ]);
  const known = new Set(pushed.map(({ name, target, digest }) => `${name}\n${target}\n${digest}`));
  const own = new Set(fleet.images.map((image) => image.image));
  return released.flatMap(({ name, repository, tag, digest }) => {
    const target = port.target({ repository, tag });
    if (!own.has(name) || !port.takes(name) || known.has(`${name}\n${target}\n${digest}`)) return [];
    return [{ name, repository, tag, digest: digest as Digest, target }];
  });
}

async function record({ database, clock, log }: EngineContext, { name, target, digest }: Waiting): Promise<void> {
  const row = { digest, pushed: new Date(clock.now()) };
  await database.transaction((trx) =>
    trx
      .insertInto('pushed_image')
      .values({ name, target, ...row })
      .onConflict((conflict) => conflict.columns(['name', 'target']).doUpdateSet(row))
      .execute(),
  );
  log.info(`pushed ${target}@${digest}`);
}

function problemOf({ name, target }: Waiting, thrown: unknown): PlanProblem {
  const error = asCodedError(thrown);
  const code = error instanceof HeraklitError ? error.code : 'SYSTEM_ERROR';
  const hint = error instanceof HeraklitError ? (error.hint ?? '') : '';
  return { code, image: name, message: `pushing ${target}: ${messageOf(error)}`, hint };
}
