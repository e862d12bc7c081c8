import { npmManifest } from './npm/manifest.ts';
import { ReaderSet } from './reader-set.ts';
import type { ContentReader } from './types.ts';

/** Every reader, one line each. */
export const READERS: readonly ContentReader[] = [npmManifest];

export const ALL_READERS = new ReaderSet(READERS);
