import { type Digest, parseDigest } from '../../src/oci/index.ts';

/** Images that only played nodes run (test/support/control-plane): by their names they are fine or crash. */
const repeated = (letter: string): Digest => parseDigest(`sha256:${letter.repeat(64)}`);

export const PLAYED_IMAGES = [
  `registry.example:5000/web@${repeated('a')}`,
  `registry.example:5000/web@${repeated('b')}`,
  `registry.example:5000/web-crash@${repeated('c')}`,
] as const;
