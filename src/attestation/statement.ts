import { type Digest, digestAlgorithm, digestHex, serialize } from '../oci/index.ts';
import { attestationError } from './errors.ts';

/** https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
export const STATEMENT_V1 = 'https://in-toto.io/Statement/v1';
/** What cosign 2 writes. */
const STATEMENT_V01 = 'https://in-toto.io/Statement/v0.1';
export const IN_TOTO_PAYLOAD = 'application/vnd.in-toto+json';

export interface StatementSubject {
  readonly name?: string;
  /** Algorithm → hex. */
  readonly digest: Readonly<Record<string, string>>;
}

export interface Statement {
  readonly _type: string;
  readonly subject: readonly StatementSubject[];
  readonly predicateType: string;
  readonly predicate: unknown;
}

/** What is said of one image. */
export function statementOf(
  image: { readonly name: string; readonly digest: Digest },
  predicateType: string,
  predicate: object,
): Statement {
  const digest = { [digestAlgorithm(image.digest)]: digestHex(image.digest) };
  return { _type: STATEMENT_V1, subject: [{ name: image.name, digest }], predicateType, predicate };
}

export const statementBytes = (statement: Statement): Buffer => serialize(statement);

/** @throws ATTESTATION_MALFORMED */
export function parseStatement(bytes: Uint8Array): Statement {
  const bad = (why: string, cause?: unknown): Error =>
    attestationError('ATTESTATION_MALFORMED', `no in-toto statement: ${why}`, { cause });
  let value: Partial<Statement> | null;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<Statement> | null;
  } catch (error) {
    throw bad('it is not JSON', error);
  }
  const { _type, subject, predicateType, predicate } = value ?? {};
  if (_type !== STATEMENT_V1 && _type !== STATEMENT_V01) throw bad(`its _type is ${JSON.stringify(_type)}`);
  if (typeof predicateType !== 'string') throw bad('it has no predicateType');
  if (!Array.isArray(subject) || !subject.every(isSubject)) throw bad('its subject is no list of digests');
  return { _type, subject, predicateType, predicate };
}

function isSubject(value: unknown): value is StatementSubject {
  const digest = (value as Partial<StatementSubject> | null)?.digest;
  return typeof digest === 'object' && digest !== null && Object.values(digest).every((hex) => typeof hex === 'string');
}

/** Whether a statement speaks of this image. */
export const isAbout = (statement: Statement, digest: Digest): boolean =>
  statement.subject.some((subject) => subject.digest[digestAlgorithm(digest)] === digestHex(digest));
