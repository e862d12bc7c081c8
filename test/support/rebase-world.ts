import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { homeAt, isHeraklitError, silentLog, silentProgress } from '../../src/base/index.ts';
import type { RebaseReport } from '../../src/build/index.ts';
import { openWorkshop, rebaseImage, resolvedFrom, storeOver } from '../../src/engine/index.ts';
import { parseReference, type ResolvedImage } from '../../src/oci/index.ts';
import { openImage, saveImage } from '../../src/transport/index.ts';
import { differences, factsOfRoot } from './compare-roots.ts';
import { layoutOf, run, sourceLines } from './debian-image.ts';

export const CHILDREN = join(import.meta.dirname, '../fixtures/rebase-children');

/** What a base of the tests holds besides what every Debian image has. */
const PACKAGES = ['openssl', 'adduser', 'ca-certificates', 'python3-minimal'];
const CREATED = '2026-01-01T00:00:00Z';
/** The machine's own limits may be below what the builder would ask for. */
const LIMITS = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];

/** Why the world cannot be made here; undefined where it can. */
export const noRebaseWorld: string | undefined =
  ['mmdebstrap', 'buildah', 'runc', 'skopeo'].flatMap((tool) =>
    spawnSync(tool, ['--version']).error === undefined ? [] : [`${tool} not installed`],
  )[0] ?? (process.getuid?.() === 0 ? undefined : 'needs root: builds run as root');

export type Outcome =
  /** `left`: paths that differ from the full rebuild. */
  | { readonly kind: 'rebased'; readonly reason: string; readonly left: readonly string[] }
  | { readonly kind: 'refused'; readonly report: RebaseReport };

export interface RebaseWorldOptions {
  /** Bases that were made before; made anew without. */
  readonly tars?: (which: 'old' | 'new') => string;
  /** Shell commands that the newer base has run besides, its root as `$1`. */
  readonly hook?: string;
  /** A folder of a world that was made before, or is to be made once: bases and children built in it are used again. */
  readonly kept?: string;
}

type Opened = ResolvedImage & { close(): Promise<void> };

/**
 * An old base from the release pocket and its successor with all updates, both in real buildah's own storage; children
 * are built by it from Dockerfiles on either. All packages come from the same repositories, whichever the base.
 */
export class RebaseWorld {
  readonly folder: string;
  readonly #bases: Readonly<Record<'old' | 'new', Opened>>;
  readonly #storage: readonly string[];
  readonly #isKept: boolean;

  private constructor(
    folder: string,
    bases: Readonly<Record<'old' | 'new', Opened>>,
    storage: readonly string[],
    isKept: boolean,
  ) {
    this.folder = folder;
    this.#bases = bases;
    this.#storage = storage;
    this.#isKept = isKept;
  }

  /**
   */
  static async open(suite: string, { tars, hook, kept }: RebaseWorldOptions = {}): Promise<RebaseWorld> {
    const folder = kept ?? (await mkdtemp(join(tmpdir(), 'rebase-world-')));
    await mkdir(folder, { recursive: true });
    const storage = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'overlay'];
    const lines = await sourceLines(suite);
    const open = async (which: 'old' | 'new'): Promise<Opened> => {
      const tar = tars?.(which) ?? join(folder, `${which}.tar`);
      if (tars === undefined)
        await makeBase(
          suite,
          tar,
          which === 'old' ? lines.slice(0, 1) : lines,
          lines,
          which === 'new' ? hook : undefined,
        );
      const made = join(folder, `${which}.oci`);
      if (kept !== undefined && existsSync(made)) return openImage(parseReference(`oci:${made}:it`));
      const layout = await layoutOf(made, [tar], {
        created: CREATED,
        history: [{ created: CREATED, created_by: 'debootstrap' }],
        config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['bash'] },
      });
      await run('skopeo', [
        'copy',
        '--quiet',
        layout,
        `containers-storage:[overlay@${join(folder, 'root')}+${join(folder, 'run')}]localhost/${which}`,
      ]);
      return openImage(parseReference(layout));
    };
    const bases = { old: await open('old'), new: await open('new') };
    for (const name of ['children', 'rebased']) await mkdir(join(folder, name), { recursive: true });
    return new RebaseWorld(folder, bases, storage, kept !== undefined);
  }

  async close(): Promise<void> {
    await Promise.all([this.#bases.old.close(), this.#bases.new.close()]);
    spawnSync('buildah', [...this.#storage, 'rm', '--all']);
    spawnSync('umount', [join(this.folder, 'root', 'overlay')]);
    if (this.#isKept) return;
    await rm(this.folder, { recursive: true, force: true });
  }

  #buildah(...args: readonly string[]): Promise<string> {
    return run('buildah', [...this.#storage, ...args]);
  }

  /** apt's lists and caches, fetched once: what a Dockerfile does to them is caches and thrown away. */
  async #aptVolumes(): Promise<readonly string[]> {
    const [lists, cache] = [join(this.folder, 'lists'), join(this.folder, 'cache')];
    if (!existsSync(lists)) {
      await mkdir(join(lists, 'partial'), { recursive: true });
      await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
      const mounts = ['--volume', `${lists}:/var/lib/apt/lists`, '--volume', `${cache}:/var/cache/apt`];
      const container = (await this.#buildah('from', ...mounts, 'localhost/old')).trim();
      const shell = ['--runtime', 'runc', '--isolation', 'chroot', container];
      await this.#buildah('run', ...shell, '--', 'apt-get', '-q', '-o', 'APT::Sandbox::User=root', 'update');
      await this.#buildah('rm', container);
    }
    return ['--volume', `${lists}:/var/lib/apt/lists:O`, '--volume', `${cache}:/var/cache/apt`];
  }

  /** Builds a child of that Dockerfile on a base. @returns name of the image in buildah's storage */
  async build(name: string, on: 'old' | 'new', layers = true): Promise<string> {
    const image = `localhost/${name}-${on}`;
    if (this.#isKept && spawnSync('buildah', [...this.#storage, 'inspect', '--type', 'image', image]).status === 0)
      return image;
    await this.#buildah('tag', `localhost/${on}`, 'localhost/base');
    await this.#buildah(
      ...[
        'build',
        '--quiet',
        `--layers=${layers}`,
        '--runtime',
        'runc',
        '--isolation',
        'oci',
        ...LIMITS,
        '--network',
        'host',
      ],
      ...(await this.#aptVolumes()),
      ...['-f', join(CHILDREN, `${name}.Dockerfile`), '-t', image, join(CHILDREN, 'context')],
    );
    return image;
  }

  /** Rebases a child built on the old base, and holds it against the same Dockerfile built on the new one. */
  async compare(name: string, layers = true): Promise<Outcome> {
    const child = await this.#pushed(name, await this.build(name, 'old', layers));
    try {
      const rebased = await this.#rebase(name, child);
      if ('conflicts' in rebased) return { kind: 'refused', report: rebased };
      const wanted = await this.build(name, 'new', layers);
      const [ours, theirs] = [await this.#facts(rebased.image), await this.#facts(wanted)];
      const config = await this.#configDifference(rebased.image, wanted);
      return { kind: 'rebased', reason: rebased.reason, left: [...differences(ours, theirs), ...config] };
    } finally {
      await child.close();
    }
  }

  async #pushed(name: string, image: string): Promise<Opened> {
    const made = join(this.folder, 'children', name);
    const layout = `oci:${made}:it`;
    if (this.#isKept && existsSync(join(made, 'index.json'))) return openImage(parseReference(layout));
    await this.#buildah('push', '--quiet', '--disable-compression', '--format', 'oci', image, layout);
    return openImage(parseReference(layout));
  }

  async #rebase(
    name: string,
    child: Opened,
  ): Promise<RebaseReport | { readonly image: string; readonly reason: string }> {
    const options = { home: homeAt(join(this.folder, 'home')), log: silentLog, progress: silentProgress };
    const workshop = openWorkshop({ ...options, maxAge: 3600 });
    const { old, new: onto } = this.#bases;
    try {
      const result = await rebaseImage({ child, onto, from: old, baseName: undefined }, workshop);
      const ofBase = new Set(onto.manifest.layers.map(({ digest }) => digest));
      const origin = { open: (digest: typeof child.digest) => (ofBase.has(digest) ? onto : child).blobs.open(digest) };
      const image = resolvedFrom(result, storeOver(await workshop.store(), origin));
      const layout = `oci:${join(this.folder, 'rebased', name)}:it`;
      await saveImage(image, parseReference(layout));
      const [root, runRoot] = [join(this.folder, 'root'), join(this.folder, 'run')];
      const stored = `localhost/${name}-rebased`;
      await run('skopeo', ['copy', '--quiet', layout, `containers-storage:[overlay@${root}+${runRoot}]${stored}`]);
      return { image: stored, reason: result.reason };
    } catch (error) {
      if (!isHeraklitError(error, 'REBASE_REFUSED')) throw error;
      return error.details.report as RebaseReport;
    }
  }

  /** The root of an image as the engine itself puts it together. */
  async #facts(image: string): Promise<ReturnType<typeof factsOfRoot>> {
    const container = (await this.#buildah('from', image)).trim();
    try {
      return factsOfRoot((await this.#buildah('mount', container)).trim());
    } finally {
      await this.#buildah('rm', container);
    }
  }

  async #configDifference(ours: string, theirs: string): Promise<readonly string[]> {
    const [a, b] = await Promise.all(
      [ours, theirs].map(async (image) => {
        const inspected = JSON.parse(await this.#buildah('inspect', '--type', 'image', image)) as {
          readonly OCIv1: { readonly config?: object };
        };
        return JSON.stringify(
          Object.entries(inspected.OCIv1.config ?? {}).sort(([one], [other]) => (one < other ? -1 : 1)),
        );
      }),
    );
    return a === b ? [] : [`config: ${a} instead of ${b}`];
  }
}

/** A base as `mmdebstrap` makes it of these lines; whatever it was made from, apt in it knows the same repositories. */
export async function makeBase(
  suite: string,
  tar: string,
  from: readonly string[],
  known: readonly string[],
  hook: string | undefined,
): Promise<void> {
  const list = `${tar}.list`;
  await writeFile(list, `${known.join('\n')}\n`);
  await run('mmdebstrap', [
    ...['--quiet', '--variant=apt', '--aptopt=Acquire::Check-Valid-Until "false"', `--include=${PACKAGES.join(',')}`],
    `--customize-hook=copy-in ${list} /tmp`,
    `--customize-hook=mv "$1"/tmp/*.list "$1/etc/apt/sources.list"`,
    ...(hook === undefined ? [] : [`--customize-hook=${hook}`]),
    ...[suite, tar, ...from],
  ]);
}
