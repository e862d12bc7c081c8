import { artifactError } from './errors.ts';

/** Bytes of one part of a path on every file system in use. */
const MAX_PART = 255;
const MAX_PARTS = 50;

/** What a title may not contain, for it becomes a path on somebody's machine: control characters and backslashes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const FORBIDDEN = /[\u0000-\u001f\u007f\\]/;

/**
 * The parts of a file name that an artifact gives. Anybody who can push wrote it: it must stay below the folder that
 * the user named.
 * @throws ARTIFACT_TITLE_INVALID
 */
export function titleParts(title: string): readonly string[] {
  const parts = title.split('/');
  const bad =
    FORBIDDEN.test(title) ||
    parts.length > MAX_PARTS ||
    parts.some((part) => part === '' || part === '.' || part === '..' || Buffer.byteLength(part) > MAX_PART);
  if (bad) {
    throw artifactError('ARTIFACT_TITLE_INVALID', `the artifact names a file ${JSON.stringify(title.slice(0, 200))}`, {
      hint: 'It is not written. Look at the manifest before you trust who pushed it.',
    });
  }
  return parts;
}
