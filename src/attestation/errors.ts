import { errorFactory } from '../base/index.ts';

export const attestationErrors = {
  ATTESTATION_KEY_INVALID: {
    kind: 'usage',
    retryable: false,
    meaning: 'A key file holds no key that heraklit signs or verifies with: ECDSA P-256 or Ed25519, PEM or cosign.key.',
  },
  ATTESTATION_PASSPHRASE_WRONG: {
    kind: 'usage',
    retryable: false,
    meaning: 'A private key is encrypted, and no passphrase, or the wrong one, was given.',
  },
  ATTESTATION_KEY_EXISTS: {
    kind: 'usage',
    retryable: false,
    meaning: 'A key was to be written where a file is: keys are never overwritten.',
  },
  ATTESTATION_MALFORMED: {
    kind: 'failed',
    retryable: false,
    meaning: 'A signature, envelope, bundle or statement is not in the form its media type promises, or too large.',
  },
  ATTESTATION_UNVERIFIED: {
    kind: 'failed',
    retryable: false,
    meaning: 'No signature, or no attestation of the demanded type, by a trusted key was found for an image.',
  },
} as const;

export const attestationError = errorFactory(attestationErrors);
