import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { homeAt, isHeraklitError, silentLog, silentProgress } from '../../src/base/index.ts';
import type { RebaseReport, RebaseResult } from '../../src/build/index.ts';
import { openWorkshop, rebaseImage, resolvedFrom, storeOver } from '../../src/engine/index.ts';
import { parseReference, type ResolvedImage } from '../../src/oci/index.ts';
import { openImage, saveImage } from '../../src/transport/index.ts';
import { differences, factsOfRoot } from './compare-roots.ts';
import { layoutOf, run, sourceLines } from './debian-image.ts';

export const CHILDREN = join(import.meta.dirname, '../fixtures/rebase-children');

/** What a base of the tests holds besides what every Debian image has. */
const PACKAGES = ['openssl', 'adduser', 'ca-certificates', 'python3-minimal'];
const CREATED = '2026-01-01T00:00:00Z';
/** systemd's postinst draws it: two builds on one base differ, too. */
const DRAWN = /^(?:etc|var\/lib\/dbus)\/machine-id:/;
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
  /** The newer base has what a platform team adds, besides the updates: packages, an account, settings. */
  readonly platform?: boolean;
  /** A folder of a world that was made before, or is to be made once: bases and children built in it are used again. */
  readonly kept?: string | undefined;
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

  static async open(suite: string, { platform = false, kept }: RebaseWorldOptions = {}): Promise<RebaseWorld> {
    const folder = kept ?? (await mkdtemp(join(tmpdir(), 'rebase-world-')));
    for (const name of ['children', 'rebased']) await mkdir(join(folder, name), { recursive: true });
    const storage = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'overlay'];
    const lines = await sourceLines(suite);
    const layouts = await Promise.all([
      baseLayout(folder, 'old', { suite, from: lines.slice(0, 1), known: lines, platform: false }),
      baseLayout(folder, 'new', { suite, from: lines, known: lines, platform }),
    ]);
    for (const layout of layouts) await takeInto(folder, layout, `localhost/${basename(layout, '.oci:it')}`);
    const [old, now] = await Promise.all(layouts.map((layout) => openImage(parseReference(layout))));
    return new RebaseWorld(folder, { old: old as Opened, new: now as Opened }, storage, kept !== undefined);
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
  async build(name: string, on: 'old' | 'new'): Promise<string> {
    const image = `localhost/${name}-${on}`;
    if (this.#isKept && spawnSync('buildah', [...this.#storage, 'inspect', '--type', 'image', image]).status === 0)
      return image;
    await this.#buildah('tag', `localhost/${on}`, 'localhost/base');
    await this.#buildah(
      ...['build', '--quiet', '--layers', '--runtime', 'runc', '--isolation', 'oci', ...LIMITS, '--network', 'host'],
      ...(await this.#aptVolumes()),
      ...['-f', join(CHILDREN, `${name}.Dockerfile`), '-t', image, join(CHILDREN, 'context')],
    );
    return image;
  }

  /** Rebases a child built on the old base, and holds it against the same Dockerfile built on the new one. */
  async compare(name: string): Promise<Outcome> {
    // Built first: buildah would take steps of the rebased image, which has the same history, out of its storage.
    const wanted = await this.build(name, 'new');
    const rebased = await this.rebase(name);
    if ('report' in rebased) return { kind: 'refused', report: rebased.report };
    const [ours, theirs] = [await this.#facts(rebased.image), await this.#facts(wanted)];
    const config = await this.#configDifference(rebased.image, wanted);
    await this.#buildah('rmi', rebased.image);
    return {
      kind: 'rebased',
      reason: rebased.result.reason,
      left: [...differences(ours, theirs).filter((line) => !DRAWN.test(line)), ...config],
    };
  }

  async #pushed(name: string, image: string): Promise<Opened> {
    const made = join(this.folder, 'children', name);
    const layout = `oci:${made}:it`;
    if (this.#isKept && existsSync(join(made, 'index.json'))) return openImage(parseReference(layout));
    await this.#buildah('push', '--quiet', '--disable-compression', '--format', 'oci', image, layout);
    return openImage(parseReference(layout));
  }

  /** @returns the report of a refusal, or the result under the name that buildah's storage has it by */
  async rebase(
    name: string,
    on: 'old' | 'new' = 'old',
  ): Promise<{ readonly report: RebaseReport } | { readonly image: string; readonly result: RebaseResult }> {
    const child = await this.#pushed(`${name}-${on}`, await this.build(name, on));
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
      const stored = `localhost/${name}-rebased`;
      await this.#take(layout, stored);
      return { image: stored, result };
    } catch (error) {
      if (!isHeraklitError(error, 'REBASE_REFUSED')) throw error;
      return { report: error.details.report as RebaseReport };
    } finally {
      await child.close();
    }
  }

  #take(layout: string, name: string): Promise<void> {
    return takeInto(this.folder, layout, name);
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

interface BaseRecipe {
  readonly suite: string;
  /** apt's lines it is made from. */
  readonly from: readonly string[];
  /** Lines that apt in it knows: the same, whatever it was made from. */
  readonly known: readonly string[];
  readonly platform: boolean;
}

/** What a platform team adds to its base, each of which a child may change as well. */
const PLATFORM_PACKAGES = ['libyaml-0-2', 'less'];
const PLATFORM_HOOKS = [
  'echo "# of the platform" >> "$1/etc/bash.bashrc"',
  'sed -i "s/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 365/" "$1/etc/login.defs"',
  'chroot "$1" useradd --uid 60500 --no-create-home platform',
  'chmod 0640 "$1/etc/skel/.bashrc"',
];

/** A base as `mmdebstrap` makes it, as an OCI layout; the one that is there already where the folder is kept. */
async function baseLayout(folder: string, which: 'old' | 'new', recipe: BaseRecipe): Promise<string> {
  const made = join(folder, `${which}.oci`);
  if (existsSync(join(made, 'index.json'))) return `oci:${made}:it`;
  const [tar, list] = [join(folder, `${which}.tar`), join(folder, `${which}.list`)];
  await writeFile(list, `${recipe.known.join('\n')}\n`);
  const packages = [...PACKAGES, ...(recipe.platform ? PLATFORM_PACKAGES : [])];
  const hooks = [
    `copy-in ${list} /tmp`,
    'mv "$1"/tmp/*.list "$1/etc/apt/sources.list"',
    ...(recipe.platform ? PLATFORM_HOOKS : []),
  ];
  await run('mmdebstrap', [
    ...['--quiet', '--variant=apt', '--aptopt=Acquire::Check-Valid-Until "false"', `--include=${packages.join(',')}`],
    ...hooks.map((hook) => `--customize-hook=${hook}`),
    ...[recipe.suite, tar, ...recipe.from],
  ]);
  const layout = await layoutOf(made, [tar], {
    created: CREATED,
    history: [{ created: CREATED, created_by: 'debootstrap' }],
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['bash'] },
  });
  await rm(tar);
  return layout;
}

/** Copies an image into buildah's storage below a folder. */
async function takeInto(folder: string, layout: string, name: string): Promise<void> {
  const storage = `[overlay@${join(folder, 'root')}+${join(folder, 'run')}]`;
  await run('skopeo', ['copy', '--quiet', layout, `containers-storage:${storage}${name}`]);
}
