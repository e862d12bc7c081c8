export {
  type AttachedBlob,
  type Attachment,
  attestationAttachment,
  attestationTag,
  attestationTagAttachment,
  bundleAttachment,
  type ImageToSign,
  KEY_ID,
  SIGNATURE_ARTIFACT,
  type SignedStatement,
  signatureAttachment,
  signatureTag,
  signStatement,
} from './attachment.ts';
export { type Demand, demandEvidence } from './demand.ts';
export { attestationError } from './errors.ts';
export {
  type Collected,
  collectEvidence,
  type Evidence,
  type EvidenceSource,
  isEvidence,
  type Refused,
} from './evidence.ts';
export { KEY_ALGORITHMS, type KeyAlgorithm, type Signer, type VerifyKey } from './key.ts';
export {
  generateKey,
  type NewKey,
  readPassphraseFile,
  readSigner,
  readTrustedKeys,
  type WrittenKey,
} from './key-files.ts';
export { PREDICATES, predicateName, predicateType } from './predicates.ts';
export { type ProvenanceFacts, provenancePredicate } from './provenance.ts';
export { digestSet, type ResourceDescriptor } from './resource.ts';
export { IN_TOTO_PAYLOAD, parseStatement, type Statement, statementOf } from './statement.ts';
export { type TestDetails, testResultPredicate } from './test-result.ts';
