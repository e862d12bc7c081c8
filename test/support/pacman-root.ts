import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuiltArch } from '../../src/distro/testing/arch-packages.ts';

/** A root and a repository on disk, with the real pacman and repo-add between them. */
export interface PacmanWorld {
  readonly root: string;
  /** Folder of a repository's database and packages. */
  readonly repository: string;
  /** Runs pacman on the root. @returns what it printed */
  pacman(...args: readonly string[]): string;
  /** Puts packages into the repository's database, with repo-add. */
  offer(packages: readonly BuiltArch[]): Promise<void>;
  remove(): Promise<void>;
}

/** Undefined where the tools are missing. */
export async function pacmanWorld(name = 'core'): Promise<PacmanWorld | undefined> {
  const tools = [
    ['pacman', '--version'],
    ['repo-add', '--version'],
    ['bsdtar', '--version'],
  ] as const;
  if (tools.some(([tool, ...args]) => spawnSync(tool, args).status !== 0)) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'pacman-world-'));
  const root = join(folder, 'root');
  const repository = join(folder, 'mirror', name, 'os', 'x86_64');
  const database = join(root, 'var/lib/pacman');
  for (const path of [database, repository, join(root, 'etc'), join(root, 'var/cache/pacman/pkg'), join(root, 'tmp')]) {
    await mkdir(path, { recursive: true });
  }
  const config = join(folder, 'pacman.conf');
  const lines = [
    '[options]',
    'Architecture = x86_64',
    'SigLevel = Never',
    `CacheDir = ${join(root, 'var/cache/pacman/pkg')}`,
    `LogFile = ${join(folder, 'pacman.log')}`,
    `GPGDir = ${join(folder, 'gnupg')}`,
    `HookDir = ${join(folder, 'hooks')}`,
    `[${name}]`,
    `Server = file://${repository}`,
    '',
  ];
  await writeFile(config, lines.join('\n'));
  const run = (tool: string, args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(tool, args, {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    });
    // -Qu finds nothing: 1, and no word of it.
    if (status !== 0 && stderr !== '') throw new Error(`${tool} ${args.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  };
  return {
    root,
    repository,
    pacman: (...args) =>
      run('pacman', [...args, '--root', root, '--dbpath', database, '--config', config, '--noconfirm']),
    async offer(packages) {
      for (const { fileName, bytes } of packages) await writeFile(join(repository, fileName), bytes);
      const files = packages.map(({ fileName }) => join(repository, fileName));
      run('repo-add', ['--quiet', join(repository, `${name}.db.tar.gz`), ...files]);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
