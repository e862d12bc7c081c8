export { readSecret } from './git/credentials.ts';
export { openSources, type Sources, type SourcesOptions } from './sources.ts';
export type {
  ArchiveSource,
  FolderSource,
  GitCredentials,
  GitSource,
  Revision,
  Source,
  SourceLimits,
} from './types.ts';
