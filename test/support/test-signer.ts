/** An Ed25519 key, which signs the same bytes the same way each time: what killed runs leave is compared bit for bit. */
import { privateKeySigner, type Signer } from '../../src/attestation/key.ts';

/** Made for tests; signs nothing real. */
const KEY = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIOxs0WJhaAvWt6gGZQcsb2Nec13gSq6auoZc95xKZJ90
-----END PRIVATE KEY-----
`;

export const testSigner = (): Promise<Signer> => privateKeySigner(KEY, 'test.key', undefined);
