import { artifactError } from './errors.ts';
import { isMediaType, mediaTypeOf } from './media-type.ts';

/** A file or folder as the command line names it: `FILE[:MEDIATYPE]`. */
export interface FileArgument {
  readonly path: string;
  /** Undefined for a folder, whose type is always a gzip tar, and for a file: what its ending says. */
  readonly mediaType: string | undefined;
}

/** What follows the last colon is a media type only where it reads as one: `C:web.json` is a file. */
export function parseFileArgument(text: string): FileArgument {
  const colon = text.lastIndexOf(':');
  const type = colon < 1 ? undefined : text.slice(colon + 1);
  const named = type !== undefined && isMediaType(type);
  const path = named ? text.slice(0, colon) : text;
  if (path === '')
    throw artifactError('ARTIFACT_FILE_INVALID', 'a file without a name', { hint: 'Write FILE or FILE:MEDIATYPE.' });
  return { path, mediaType: named ? type : undefined };
}

export const typeOfFile = ({ path, mediaType }: FileArgument): string => mediaType ?? mediaTypeOf(path);
