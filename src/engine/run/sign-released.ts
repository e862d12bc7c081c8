import { sql } from 'kysely';
import { SIGNATURE_ARTIFACT } from '../../attestation/index.ts';
import { asCodedError, HeraklitError, messageOf } from '../../base/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { PlanProblem } from '../../plan/index.ts';
import type { EngineContext } from '../context.ts';
import type { SigningPort } from '../ports.ts';

/** Failures in a row after which the key, or the store, counts as gone until the next call. */
const GIVE_UP_AFTER = 3;

interface Unsigned {
  readonly name: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: Digest;
}

/**
 * Signs what is released and has no signature: everything that was, before the fleet signed. What it was made of is not
 * attested afterwards: only whoever made it then could say. Other registries get these images again, with the signature.
 * A failure is a problem told, not an error: the image is released.
 */
export async function signReleased(
  context: EngineContext,
  signing: SigningPort,
  signal: AbortSignal,
): Promise<readonly PlanProblem[]> {
  const problems: PlanProblem[] = [];
  let failures = 0;
  for (const image of await unsignedImages(context)) {
    signal.throwIfAborted();
    if (failures >= GIVE_UP_AFTER) break;
    try {
      await signOne(context, signing, image);
      failures = 0;
    } catch (error) {
      failures += 1;
      problems.push(problemOf(image, error));
    }
  }
  return problems;
}

async function unsignedImages({ database, fleet }: EngineContext): Promise<readonly Unsigned[]> {
  const { rows } = await sql<Unsigned>`
    select f.name, f.repository, f.tag, f.digest from fleet_image f
    where f.fleet = ${fleet.name} and f.digest is not null and not exists (
      select from registry_manifest m join registry_repository r on r.id = m.repository
      where r.name = f.repository and m.subject = f.digest and m.artifact_type = ${SIGNATURE_ARTIFACT})
    order by f.name`.execute(database.kysely);
  const own = new Set(fleet.images.map(({ image }) => image));
  return rows.filter(({ name }) => own.has(name));
}

async function signOne(
  { database, publisher, log }: EngineContext,
  signing: SigningPort,
  { name, repository, tag, digest }: Unsigned,
): Promise<void> {
  const descriptor = await publisher.catalogue.resolve(repository, digest);
  if (descriptor === undefined) return;
  const { entries } = await signing.signAlone({ image: name, repository, tag }, descriptor);
  if (entries.length === 0) return;
  await database.transaction(async (trx) => {
    await publisher.catalogue.publishMany(entries, { trx });
    await trx.deleteFrom('pushed_image').where('name', '=', name).where('digest', '=', digest).execute();
  });
  log.info(`signed ${repository}@${digest}`);
}

function problemOf({ name, repository }: Unsigned, thrown: unknown): PlanProblem {
  const error = asCodedError(thrown);
  const coded = error instanceof HeraklitError ? error : undefined;
  return {
    code: coded?.code ?? 'SYSTEM_ERROR',
    image: name,
    message: `signing ${repository}: ${messageOf(error)}`,
    hint: coded?.hint ?? '',
  };
}
