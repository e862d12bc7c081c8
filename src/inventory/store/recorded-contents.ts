import type { ImageContents } from '../types.ts';

/** What the inventory keeps of an image's contents. */
export type RecordedContents = Pick<
  ImageContents,
  | 'distribution'
  | 'architecture'
  | 'ecosystem'
  | 'packages'
  | 'languagePackages'
  | 'layers'
  | 'indexes'
  | 'libraryNames'
  | 'annotations'
  | 'config'
  | 'alsoKnownAs'
  | 'incomplete'
  | 'usage'
>;
