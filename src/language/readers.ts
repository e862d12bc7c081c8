import { packedProgram } from './binary/packed-program.ts';
import { programVersion } from './binary/program-version.ts';
import { dotnetDeps, nugetLock } from './dotnet/deps-json.ts';
import { linkedProgram } from './elf/linked-program.ts';
import { loaderSettings } from './elf/loader-settings.ts';
import { scriptLine } from './elf/script.ts';
import { erlangApplication, mixLock } from './erlang/applications.ts';
import { goBuildInfo } from './golang/reader.ts';
import { jarReader } from './maven/jar-reader.ts';
import { javaRelease } from './maven/java-release.ts';
import { npmLockFile } from './npm/lock-file.ts';
import { npmManifest } from './npm/manifest.ts';
import { pnpmLock } from './npm/pnpm-lock.ts';
import { yarnLock } from './npm/yarn-lock.ts';
import { cpanInstalled, perlLocal } from './perl/distributions.ts';
import { composerInstalled, composerLock } from './php/composer.ts';
import { pythonArchive, pythonVendored } from './python/archives.ts';
import { condaMeta } from './python/conda.ts';
import { pipfileLock, pythonLockFile } from './python/lock-files.ts';
import { pythonEggInfo, pythonMetadata } from './python/metadata.ts';
import { pythonRequirements } from './python/requirements.ts';
import { rDescription } from './r/description.ts';
import { ReaderSet } from './reader-set.ts';
import { gemfileLock } from './ruby/gemfile-lock.ts';
import { gemspec } from './ruby/gemspec.ts';
import { cargoAuditable } from './rust/audit-reader.ts';
import { cargoLock } from './rust/cargo-lock.ts';
import { accountFiles } from './secrets/accounts.ts';
import { secretFiles } from './secrets/secret-files.ts';
import type { ContentReader } from './types.ts';

/** Every reader, one line each. */
export const READERS: readonly ContentReader[] = [
  accountFiles,
  cargoAuditable,
  cargoLock,
  composerInstalled,
  composerLock,
  condaMeta,
  cpanInstalled,
  dotnetDeps,
  erlangApplication,
  gemfileLock,
  gemspec,
  goBuildInfo,
  jarReader,
  javaRelease,
  linkedProgram,
  loaderSettings,
  mixLock,
  npmLockFile,
  npmManifest,
  nugetLock,
  packedProgram,
  perlLocal,
  pipfileLock,
  pnpmLock,
  programVersion,
  pythonArchive,
  pythonEggInfo,
  pythonLockFile,
  pythonMetadata,
  pythonRequirements,
  pythonVendored,
  rDescription,
  scriptLine,
  secretFiles,
  yarnLock,
];

export const ALL_READERS = new ReaderSet(READERS);
