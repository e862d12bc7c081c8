export { verifiedEvent } from './events.ts';
export type { Candidate, Verification, VerifyOptions, VerifyStep } from './types.ts';
export { verifyImage } from './verify.ts';
