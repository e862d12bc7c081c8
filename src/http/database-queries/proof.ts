import { sql } from 'kysely';
import { KEY_ID, predicateName, SIGNATURE_ARTIFACT } from '../../attestation/index.ts';
import type { DatabaseReader } from '../../database/index.ts';
import type { Explanation } from '../contract.ts';

type Build = Explanation['builds'][number];

/** What became known of the digests of an image when they were tested: the last time counts. */
export async function testsOf(reader: DatabaseReader, image: string): Promise<ReadonlyMap<string, Build['tested']>> {
  const { rows } = await sql<{ data: string }>`
    select data from outbox where subject = ${image} and type = 'io.heraklit.image.verified'
    order by sequence`.execute(reader);
  return new Map(
    rows.map(({ data }) => {
      const { digest, passed, steps, checks } = JSON.parse(data) as VerifiedData;
      const tests = steps?.map((step) => `${step.name}${step.passed ? '' : ' (failed)'}`) ?? checks ?? [];
      return [digest, { passed: passed ?? true, tests }];
    }),
  );
}

interface VerifiedData {
  readonly digest: string;
  readonly passed?: boolean;
  readonly steps?: readonly { readonly name: string; readonly passed: boolean }[];
  readonly checks?: readonly string[];
}

/** Keys that signed an image or statements about it here, by what the referrers say of themselves: not verified again. */
export async function signaturesOf(
  reader: DatabaseReader,
  repository: string,
  digests: readonly string[],
): Promise<ReadonlyMap<string, Build['signed']>> {
  if (digests.length === 0) return new Map();
  const { rows } = await sql<{ subject: string; artifact_type: string | null; annotations: string | null }>`
    select m.subject, m.artifact_type, m.annotations from registry_manifest m
    join registry_repository r on r.id = m.repository
    where r.name = ${repository} and m.subject = any(${sql.val([...digests])}::text[])
    order by m.pushed, m.digest`.execute(reader);
  const found = new Map<string, Map<string, Set<string>>>();
  for (const { subject, artifact_type: type, annotations } of rows) {
    const said = JSON.parse(annotations ?? '{}') as Readonly<Record<string, string>>;
    const key = said[KEY_ID];
    if (key === undefined) continue;
    const keys = found.get(subject) ?? new Map<string, Set<string>>();
    const what = keys.get(key) ?? new Set<string>();
    if (type === SIGNATURE_ARTIFACT) what.add('signature');
    for (const predicate of said.predicateType?.split(' ') ?? []) what.add(predicateName(predicate));
    found.set(subject, keys.set(key, what));
  }
  return new Map(
    [...found].map(([subject, keys]) => [subject, [...keys].map(([key, what]) => ({ key, what: [...what].sort() }))]),
  );
}

/** Names of workloads by the digest they run, as their runtimes listed them last. */
export async function workloadsOf(
  reader: DatabaseReader,
  digests: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (digests.length === 0) return new Map();
  const { rows } = await sql<{ digest: string; names: string[] }>`
    select digest, array_agg(distinct id order by id) as names
    from (select used.id, used.digest from workload_image used join workload using (id, container) where replicas > 0) used
    where digest = any(${sql.val([...digests])}::text[]) group by digest`.execute(reader);
  return new Map(rows.map(({ digest, names }) => [digest, names]));
}
