import { type Collected, predicateName, type VerifyKey } from '../../attestation/index.ts';
import type { Digest } from '../../oci/index.ts';
import { type Column, renderTable } from './table.ts';

const nameOf = ({ id, name }: VerifyKey): string => `${name} ${id.slice(0, 16)}`;

interface Row {
  readonly what: string;
  readonly of: string;
  readonly by: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'WHAT', value: ({ what }) => what },
  { title: 'OF', value: ({ of }) => of },
  { title: 'BY', value: ({ by }) => by },
];

/** What trusted keys say of an image, and what counts for nothing. */
export function renderEvidence(image: Digest, { evidence, refused }: Collected): string {
  const trusted = evidence.map((one) => ({
    what: one.kind,
    of: one.kind === 'signature' ? one.reference : predicateName(one.statement.predicateType),
    by: one.keys.map(nameOf).join(', '),
  }));
  const others = refused.map(({ predicateType, reason }) => ({
    what: 'not counted',
    of: predicateType === undefined ? 'signature' : predicateName(predicateType),
    by: reason,
  }));
  const rows = [...trusted, ...others];
  return `${image}\n${rows.length === 0 ? 'no signature and no attestation' : renderTable(rows, COLUMNS)}`;
}
