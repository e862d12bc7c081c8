import { attestationError } from './errors.ts';
import type { Collected, Evidence } from './evidence.ts';
import { PREDICATES, predicateName } from './predicates.ts';
import type { Statement } from './statement.ts';

/** What must be there for an image to be accepted. */
export interface Demand {
  readonly signature: boolean;
  /** Types as they stand in statements. */
  readonly predicateTypes: readonly string[];
  /** A statement that tests failed is as good as one that they passed: to show it. */
  readonly failedTests?: boolean;
}

/** Tests that somebody signed for having failed are no reason to accept an image. */
const saysFailed = ({ predicateType, predicate }: Statement): boolean =>
  predicateType === PREDICATES['test-result'] && (predicate as { readonly result?: unknown }).result === 'FAILED';

/**
 * The evidence that meets the demand.
 * @throws ATTESTATION_UNVERIFIED naming everything that lacks, and what was found instead
 */
export function demandEvidence(where: string, { evidence, refused }: Collected, demand: Demand): readonly Evidence[] {
  const statements = evidence.flatMap((one) => (one.kind === 'attestation' ? [one.statement] : []));
  const good = statements.filter((one) => demand.failedTests === true || !saysFailed(one));
  const attested = new Set(good.map(({ predicateType }) => predicateType));
  const failedTests = good.length < statements.length ? ['its tests failed'] : [];
  const lacks = [
    ...(demand.signature && !evidence.some((one) => one.kind === 'signature') ? ['signature'] : []),
    ...demand.predicateTypes.filter((type) => !attested.has(type)).map((type) => `attestation ${predicateName(type)}`),
  ];
  if (lacks.length === 0) return evidence;
  const instead = [...new Set([...failedTests, ...refused.map(({ reason }) => reason)])].slice(0, 3);
  const found = instead.length === 0 ? 'there is none' : `what is there does not count: ${instead.join('; ')}`;
  throw attestationError(
    'ATTESTATION_UNVERIFIED',
    `${where} has no ${lacks.join(' and no ')} by a trusted key: ${found}`,
    {
      hint: 'Check --key against the key that signs; `heraklit attest list` shows what is there.',
      details: { lacks, refused },
    },
  );
}
