export { type GitAccess, gitAccess, readSecret } from './git/credentials.ts';
export { checkRef, checkSubPath } from './git/git-names.ts';
export { type GitUrl, parseGitUrl } from './git/git-url.ts';
export { remoteFailed } from './git/remote.ts';
export { runGit } from './git/run-git.ts';
export { openSources, type Sources, type SourcesOptions } from './sources.ts';
export type {
  ArchiveSource,
  FolderSource,
  GitCredentials,
  GitSource,
  Revision,
  Source,
  SourceBuild,
  SourceLimits,
} from './types.ts';
