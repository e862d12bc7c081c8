import { type Digest, digestAlgorithm, digestHex } from '../oci/index.ts';

/** https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md */
export interface ResourceDescriptor {
  readonly uri?: string;
  readonly name?: string;
  readonly digest?: Readonly<Record<string, string>>;
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, unknown>>;
}

export const digestSet = (digest: Digest): Readonly<Record<string, string>> => ({
  [digestAlgorithm(digest)]: digestHex(digest),
});
