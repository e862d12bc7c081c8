import { join, resolve } from 'node:path';
import type { LoadedFleet } from '../engine/index.ts';
import type { GitopsRuntime } from '../gitops/index.ts';
import type { CliContext } from './context.ts';
import { forgesOf } from './fleet-sources.ts';

/** The git repositories that a fleet rolls out to. */
export async function openGitopsRuntimes(fleet: LoadedFleet, context: CliContext): Promise<readonly GitopsRuntime[]> {
  const repositories = fleet.document.rollout?.git ?? [];
  if (repositories.length === 0) return [];
  const [{ createGitopsRuntime }, { gitSourceOf }, { repositoryAt }] = await Promise.all([
    import('../gitops/index.ts'),
    import('../engine/index.ts'),
    import('../forge/index.ts'),
  ]);
  const forges = await forgesOf(fleet);
  return repositories.map(({ name, branch, write = 'commit', writers = 'leave', author, signingKeyFile, ...git }) => {
    const forge = forges.find((one) => repositoryAt(one, git.url) !== undefined);
    return createGitopsRuntime({
      ...{ name, write, writers, cache: join(context.home.cache, 'gitops'), log: context.log },
      git: { ...gitSourceOf(git, fleet.directory), ref: branch },
      ...(author === undefined ? {} : { author }),
      ...(forge === undefined ? {} : { forge }),
      ...(signingKeyFile === undefined ? {} : { signingKey: resolve(fleet.directory, signingKeyFile) }),
    });
  });
}
