import { execFile, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type RepositorySnapshot, readPackagesIndex } from '../../src/distro/index.ts';

const run = promisify(execFile);
const MAX_OUTPUT = 256 * 1024 * 1024;
const LISTS_MAX_AGE = 24 * 3600 * 1000;
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

export interface Pocket {
  readonly suite: string;
  readonly security: boolean;
}

export interface Mirrors {
  readonly release: string;
  readonly security: string;
}

/** Root URLs of the host's own Debian mirrors, by what they serve; undefined where the host is no Debian. */
export async function hostMirrors(): Promise<Mirrors | undefined> {
  if (spawnSync('apt-get', ['--version']).status !== 0) return undefined;
  const format = '$(REPO_URI)|$(RELEASE)|$(SITE)';
  const { stdout } = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const rows = stdout.split('\n').map((line) => line.split('|'));
  const security = rows.find(([, suite]) => suite?.endsWith('-security'));
  const release = rows.find(([, suite]) => suite === security?.[1]?.replace(/-security$/, ''))?.[0];
  if (security?.[0] === undefined || release === undefined) return undefined;
  return { release: process.env.HERAKLIT_MIRROR_DEBIAN ?? release, security: security[0] };
}

export interface Simulation {
  readonly failed: boolean;
  /** `name=version`, sorted: installed or upgraded. */
  readonly installed: readonly string[];
  /** Names, sorted. */
  readonly removed: readonly string[];
  readonly message: string;
}

/** An apt with its own sources, lists and status file: the oracle for what apt does. */
export class AptRoot {
  readonly root: string;
  readonly pockets: readonly Pocket[];

  constructor(root: string, pockets: readonly Pocket[]) {
    this.root = root;
    this.pockets = pockets;
  }

  #options(): string[] {
    return [
      `Dir=${this.root}`,
      `Dir::State::status=${join(this.root, 'status')}`,
      'Dir::Cache::pkgcache=pkgcache.bin',
      'Dir::Cache::srcpkgcache=srcpkgcache.bin',
      'APT::Architecture=amd64',
      'APT::Sandbox::User=root',
      'Acquire::Languages=none',
    ].flatMap((option) => ['-o', option]);
  }

  async #areListsFresh(): Promise<boolean> {
    const info = await stat(join(this.root, 'lists-are-complete')).catch(() => undefined);
    return info !== undefined && Date.now() - info.mtimeMs < LISTS_MAX_AGE;
  }

  /** Makes the root and fetches its lists, unless a fresh set is there. `status` is the text of dpkg's status file. */
  async prepare(mirrors: Mirrors, status = ''): Promise<void> {
    for (const folder of [
      'etc/apt/apt.conf.d',
      'etc/apt/preferences.d',
      'etc/apt/sources.list.d',
      'var/lib/apt/lists/partial',
      'var/cache/apt/archives/partial',
    ]) {
      await mkdir(join(this.root, folder), { recursive: true });
    }
    await writeFile(join(this.root, 'status'), status);
    if (await this.#areListsFresh()) return;
    await rm(join(this.root, 'lists-are-complete'), { force: true });
    const sources = this.pockets.map(
      ({ suite, security }) =>
        `deb [signed-by=${KEYRING}] ${security ? mirrors.security : mirrors.release} ${suite} main`,
    );
    await writeFile(join(this.root, 'etc/apt/sources.list'), `${sources.join('\n')}\n`);
    await run('apt-get', [...this.#options(), 'update', '-q'], { maxBuffer: MAX_OUTPUT });
    await writeFile(join(this.root, 'lists-are-complete'), '');
  }

  async #list(suite: string): Promise<Buffer> {
    const lists = join(this.root, 'var/lib/apt/lists');
    const files = await readdir(lists);
    const file = files.find((name) => name.includes(`_dists_${suite}_main_binary-amd64_Packages`));
    if (file === undefined) throw new Error(`no list of ${suite}`);
    if (file.endsWith('_Packages')) return readFile(join(lists, file));
    const options = { maxBuffer: MAX_OUTPUT, encoding: 'buffer' } as const;
    return (await run('/usr/lib/apt/apt-helper', ['cat-file', join(lists, file)], options)).stdout;
  }

  /** The lists that apt fetched, in the order of the sources. */
  async snapshots(): Promise<readonly RepositorySnapshot[]> {
    const snapshots: RepositorySnapshot[] = [];
    for (const { suite, security } of this.pockets) {
      const id = `debian/${suite}/main/amd64`;
      snapshots.push({
        id,
        distribution: 'debian/test',
        pocket: security ? 'security' : 'release',
        suite,
        component: 'main',
        architecture: 'amd64',
        security,
        date: 0,
        releaseDigest: '',
        notAutomatic: false,
        packages: readPackagesIndex(await this.#list(suite), { id, security }),
      });
    }
    return snapshots;
  }

  /** Text of apt_preferences(5) for what comes next; '' for none. */
  async prefer(text: string): Promise<void> {
    await writeFile(join(this.root, 'etc/apt/preferences.d/test.pref'), text);
  }

  /** What `apt-get install` would do. */
  async simulate(names: readonly string[], options: { readonly recommends: boolean }): Promise<Simulation> {
    const recommends = options.recommends ? '--install-recommends' : '--no-install-recommends';
    try {
      const { stdout } = await run('apt-get', [...this.#options(), '-s', '-q', 'install', recommends, ...names], {
        maxBuffer: MAX_OUTPUT,
        env: { ...process.env, LC_ALL: 'C' },
      });
      const installed = [...stdout.matchAll(/^Inst (\S+) (?:\[\S+\] )?\((\S+)/gm)];
      const removed = [...stdout.matchAll(/^(?:Remv|Purg) (\S+)/gm)];
      return {
        failed: false,
        installed: installed.map(([, name, version]) => `${name}=${version}`).sort(),
        removed: removed.map(([, name = '']) => name).sort(),
        message: '',
      };
    } catch (error) {
      const { stdout = '' } = error as { stdout?: string };
      return { failed: true, installed: [], removed: [], message: stdout.slice(-400) };
    }
  }

  /** `name:architecture old new` of every line of `apt list --upgradable`, sorted, for a given status file. */
  async upgradable(status: string): Promise<readonly string[]> {
    await writeFile(join(this.root, 'status'), status);
    const { stdout } = await run('apt', [...this.#options(), 'list', '--upgradable'], {
      maxBuffer: MAX_OUTPUT,
      env: { ...process.env, LC_ALL: 'C' },
    });
    const lines = stdout.matchAll(/^(\S+?)\/\S+ (\S+) (\S+) \[upgradable from: (\S+)\]/gm);
    return [...lines].map(([, name, to, architecture, from]) => `${name}:${architecture} ${from} ${to}`).sort();
  }
}

/** Calls `work` on every item, `width` at a time. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = [...items];
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
