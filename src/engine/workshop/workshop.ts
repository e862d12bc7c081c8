import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Home, type Log, messageOf, type Progress } from '../../base/index.ts';
import {
  createLayerFactsReader,
  createPatchMemory,
  createSolutionMemory,
  type LayerFactsReader,
  type PatchMemory,
  type SolutionMemory,
} from '../../build/index.ts';
import {
  createUniverse,
  distributionData,
  type Keyring,
  type PackageUniverse,
  type RepositorySnapshot,
  type SupportNote,
} from '../../distro/index.ts';
import {
  type AptSourceFile,
  createAdvisoryReader,
  createFailover,
  createPackageCache,
  defaultPockets,
  discoverMirrors,
  distributionOfRepository,
  type Failover,
  type KeyFile,
  keysOfSources,
  type Mirrors,
  type NamedMirrors,
  type OpenRepositoriesOptions,
  openRepositories,
  type PackageCache,
  securitySupport,
} from '../../feed/index.ts';
import { directoryLayerCache, type LayerCache, type ReadChangelog } from '../../inventory/index.ts';
import type { FleetDistribution } from '../../recipe/index.ts';
import { type BlobStore, type BlobStoreOptions, openHomeStore } from '../../storage/index.ts';
import { workshopError } from './errors.ts';
import { namedRepositories, readKeyFiles } from './named-repositories.ts';

export interface WorkshopOptions {
  readonly home: Home;
  readonly log: Log;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  /** How the home's blobs are opened. */
  readonly blobs?: BlobStoreOptions;
  /** Mirror of the distribution; else the environment, apt's sources, the public list. */
  readonly mirror?: string;
  /** Snapshot mirror of the distribution: see docs/mirrors.md. */
  readonly snapshotMirror?: string;
  /** Keys that sign the repositories; default: those that ship for the distribution. */
  readonly keyring?: Keyring;
  /** The same as files of any family: PEM keys of apk. */
  readonly keyFiles?: readonly KeyFile[];
  /** Uses what is cached, never the network. */
  readonly offline?: boolean;
  /** Seconds for which a known repository state counts as current. */
  readonly maxAge?: number;
  /** Pockets that are used where none are asked for; default: release, updates, security. */
  readonly pockets?: readonly string[];
  /** Asks an image's own apt sources before this host's; never for a server, which reads images that others send. */
  readonly imageSources?: boolean;
  /** apt sources of the image that this workshop is for. */
  readonly sources?: readonly AptSourceFile[];
  /** What a fleet file says of its distributions, by name. */
  readonly distributions?: Readonly<Record<string, FleetDistribution>>;
  /** Folder of that file, which its paths are relative to. */
  readonly folder?: string;
}

/** A distribution's repositories for one architecture, as they are now. */
export interface Shelf {
  readonly snapshots: readonly RepositorySnapshot[];
  /** Made when first asked for. */
  universe(): PackageUniverse;
  /** The same with what packages need and answer to, for families whose indexes are not read with that (rpm). */
  forSolving(): Promise<readonly RepositorySnapshot[]>;
}

/** Seconds: what solves goes by the state of the repositories that was looked at before. */
const SOLVING_AGE = 3600;

/**
 * The tools that the stages share, over one home. Opens what is asked for, once: a command that needs no repository
 * never looks for a mirror.
 */
export interface Workshop {
  readonly options: WorkshopOptions;
  readonly layerCache: LayerCache;
  readonly layerFacts: LayerFactsReader;
  /** Folder for uncompressed packages. */
  readonly plainPackages: string;
  /** What the solver answered to earlier patches. */
  readonly solutions: SolutionMemory;
  /** What earlier patches made. */
  readonly patchMemory: PatchMemory;
  store(): Promise<BlobStore>;
  mirrors(distribution: string): Promise<Mirrors>;
  packages(distribution: string): Promise<PackageCache>;
  /** Where past states of a distribution lie: the option, the fleet file, HERAKLIT_SNAPSHOT_DEBIAN. */
  snapshotMirror(distribution: string): string | undefined;
  /** @param repository a snapshot's id, `debian/trixie-security/main/amd64` */
  packagesOf(repository: string): Promise<PackageCache>;
  /** The workshop for one image: over its own apt sources where `imageSources` says so, else this one. */
  forImage(contents: { readonly packageSources: readonly AptSourceFile[] }): Workshop;
  /**
   * @param pockets default: release, updates, security
   * @param asOf seconds since the epoch: as they were then (deb)
   */
  shelf(distribution: string, architecture: string, pockets?: readonly string[], asOf?: number): Promise<Shelf>;
  changelogs(distribution: string, shelf: Shelf): Promise<ReadChangelog>;
  /** What the distribution says of packages it no longer supports. */
  securitySupport(distribution: string, shelf: Shelf): Promise<readonly SupportNote[]>;
}

export function openWorkshop(options: WorkshopOptions): Workshop {
  const { home } = options;
  const once = memory();
  const ofImages = new Map<string, Workshop>();
  /** Where packages of opened repositories lie, by the repository's id. */
  const roots = new Map<string, readonly string[]>();
  const failover = (distribution: string): Promise<Failover> =>
    once(`failover ${distribution}`, async () =>
      createFailover(`${distribution}, ${(await workshop.mirrors(distribution)).origin}`, options.log),
    );
  const layerCache = directoryLayerCache(join(home.cache, 'layers'));
  const workshop: Workshop = {
    options,
    layerCache,
    layerFacts: createLayerFactsReader(join(home.cache, 'facts'), layerCache),
    plainPackages: join(home.cache, 'plain-packages'),
    patchMemory: createPatchMemory(join(home.cache, 'patches')),
    solutions: createSolutionMemory(join(home.cache, 'solutions')),
    store: () => once('store', () => openHomeStore(home, options.blobs)),
    mirrors: (distribution) =>
      once(`mirrors ${distribution}`, () => {
        const settings = options.distributions?.[distribution];
        // Repositories bring their own URLs: nobody needs to know a mirror.
        if (settings?.repositories !== undefined) return Promise.resolve(NO_MIRRORS);
        const fleet = mirrorsOfFleet(settings);
        return discoverMirrors({
          id: distribution.split('/', 1)[0] ?? distribution,
          ...(options.mirror === undefined ? {} : { option: options.mirror }),
          ...(fleet === undefined ? {} : { fleet }),
          ...(options.sources === undefined ? {} : { imageSources: options.sources }),
        });
      }),
    packages: (distribution) =>
      once(`packages ${distribution}`, async () =>
        createPackageCache({
          directory: home.cache,
          mirrors: await workshop.mirrors(distribution),
          failover: await failover(distribution),
          roots: (repository) => roots.get(repository),
          ...(options.offline === undefined ? {} : { offline: options.offline }),
        }),
      ),
    forImage: ({ packageSources: sources }) => {
      if (options.imageSources !== true || sources.length === 0) return workshop;
      const key = sources.map(({ path, bytes }) => `${path}\n${Buffer.from(bytes).toString('latin1')}`).join('\0');
      const known = ofImages.get(key);
      if (known !== undefined) return known;
      const made = openWorkshop({ ...options, imageSources: false, sources });
      ofImages.set(key, made);
      return made;
    },
    snapshotMirror: (distribution) =>
      options.snapshotMirror ??
      options.distributions?.[distribution]?.snapshotMirror ??
      process.env[`HERAKLIT_SNAPSHOT_${(distribution.split('/', 1)[0] ?? '').toUpperCase()}`],
    packagesOf: (repository) => workshop.packages(distributionOfRepository(repository)),
    shelf: (distribution, architecture, asked = options.pockets, asOf = undefined) =>
      once(`shelf ${distribution} ${architecture} ${asked?.join() ?? ''} ${asOf ?? 'now'}`, async () => {
        const settings = options.distributions?.[distribution] ?? {};
        const { components, trusted, keys, repositories: named } = settings;
        const folder = options.folder ?? process.cwd();
        const repositories = named === undefined ? undefined : await namedRepositories(named, folder);
        const keyFiles = options.keyFiles ?? (keys === undefined ? undefined : await readKeyFiles(keys, folder));
        const pockets = asked ?? settings.pockets;
        // A distribution nobody knows is told of as such, before mirrors of it are looked for.
        if (repositories === undefined) defaultPockets(distribution);
        await mkdir(home.cache, { recursive: true });
        const opening: OpenRepositoriesOptions = {
          distribution,
          architecture,
          mirrors: await workshop.mirrors(distribution),
          failover: await failover(distribution),
          cache: home.cache,
          progress: options.progress,
          ...given({
            pockets,
            components,
            repositories,
            asOf,
            snapshotMirror: workshop.snapshotMirror(distribution),
            trusted,
            keyFiles,
            keyring: options.keyring,
            imageKeys: options.sources === undefined ? undefined : keysOfSources(options.sources),
            offline: options.offline,
            maxAge: options.maxAge,
            signal: options.signal,
          }),
        };
        const snapshots = await openRepositories(opening);
        for (const { id, packageRoots } of snapshots) if (packageRoots !== undefined) roots.set(id, packageRoots);
        let universe: PackageUniverse | undefined;
        return {
          snapshots,
          universe: () => {
            if (familyOf(distribution) !== 'deb') throw unsolvable(distribution);
            universe ??= createUniverse(snapshots);
            return universe;
          },
          forSolving: () =>
            openRepositories({ ...opening, solving: true, maxAge: Math.max(options.maxAge ?? 0, SOLVING_AGE) }),
        };
      }),
    securitySupport: (distribution, shelf) =>
      once(`support ${distribution}`, async () => {
        const packages = await workshop.packages(distribution);
        return (await securitySupport(distribution, shelf.snapshots, packages, options.signal)).notes;
      }),
    changelogs: async (distribution, shelf) => {
      // Packages of other families bring no changelogs.
      if (familyOf(distribution) !== 'deb') return async () => undefined;
      const reader = createAdvisoryReader({
        cache: home.cache,
        packages: await workshop.packages(distribution),
        repositories: shelf.snapshots,
      });
      return (candidate) =>
        reader.changelog(candidate, options.signal).catch((error: unknown) => {
          options.log.warn(`no changelog of ${candidate.source.name} ${candidate.source.version}: ${messageOf(error)}`);
          return undefined;
        });
    },
  };
  return workshop;
}

const NO_MIRRORS: Mirrors = { main: [], security: [], origin: 'the fleet file' };

/** What is there of these options: one that is undefined is as good as left out. */
function given<T extends object>(options: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const there = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
}

const familyOf = (distribution: string): string =>
  distributionData(distribution.split('/', 1)[0] ?? '')?.family ?? 'deb';

const unsolvable = (distribution: string): Error =>
  workshopError('IMAGE_UNSUPPORTED', `packages of ${distribution} are not chosen by apt's rules`, {
    hint: 'scan, outdated, where, diff, sbom, patch and build work on its images; rebase needs a distribution with dpkg.',
  });

function mirrorsOfFleet(distribution: FleetDistribution | undefined): NamedMirrors | undefined {
  const { mirrors = [], securityMirrors = [] } = distribution ?? {};
  if (mirrors.length + securityMirrors.length === 0) return undefined;
  return { main: mirrors, security: securityMirrors, origin: 'the fleet file' };
}

/** One value per name, made once; a failed attempt is forgotten. */
function memory(): <T>(name: string, make: () => Promise<T>) => Promise<T> {
  const values = new Map<string, Promise<unknown>>();
  return <T>(name: string, make: () => Promise<T>): Promise<T> => {
    const known = values.get(name) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const value = make();
    values.set(name, value);
    value.catch(() => values.delete(name));
    return value;
  };
}
