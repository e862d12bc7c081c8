import { sourceError } from './errors.ts';

export const unsafe = (what: string): Error =>
  sourceError('SOURCE_UNSAFE', `the source holds ${what}`, { hint: 'Nothing of it was unpacked. Look who wrote it.' });

export const overLimit = (what: string): Error =>
  sourceError('SOURCE_LIMIT', `the source has ${what}`, {
    hint: 'Name the folder that is built as `path` of the source.',
  });

/** A path for people. */
export const shown = (path: Buffer): string => JSON.stringify(path.toString('utf8').slice(0, 300));
