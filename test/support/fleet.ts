/**
 * A fleet whose builders are fakes and everything else is real: images are small JSON "layers" that list packages, so
 * that pipelines can be run, killed and compared in seconds. Same inputs give the same digests, as real builders must.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HeraklitError } from '../../src/base/index.ts';
import type { BuiltImage } from '../../src/build/index.ts';
import type { BuildRequest, Fleet, FleetImage, PipelinePorts, Verification } from '../../src/engine/index.ts';
import { type Digest, type ImageConfig, type ImageManifest, MediaType, serialize } from '../../src/oci/index.ts';
import type { Decide, MissingUpdate } from '../../src/plan/index.ts';
import type { RolloutOutcome } from '../../src/runtime/index.ts';
import type { BlobStore } from '../../src/storage/index.ts';

/** What the "distribution" offers, and what each image of the fleet installs itself. */
export interface World {
  readonly versions: Readonly<Record<string, string>>;
  readonly images: Readonly<Record<string, FakeImage>>;
}

export interface FakeImage {
  readonly base?: string;
  readonly packages?: readonly string[];
  /** Changes the recipe's digest but not the content. */
  readonly comment?: string;
  readonly state?: FleetImage['state'];
}

export interface FakeOptions {
  /** Milliseconds of each step. */
  readonly delay?: number;
  /** `package=version` that no verification passes. */
  readonly broken?: readonly string[];
  /** `package=version` that a rollout rolls back. */
  readonly unhealthy?: readonly string[];
  /** Thrown before a build, when it gives an error. */
  readonly sabotage?: (request: BuildRequest) => HeraklitError | undefined;
  readonly rollout?: boolean;
  /** Packages whose updates are not security updates. */
  readonly plainUpdates?: readonly string[];
}

const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';
type Layer = Readonly<Record<string, string>>;

export function fakeFleet(world: World): Fleet {
  const images = Object.entries(world.images).map(
    ([image, { base, packages = [], comment = '', state = 'enabled' }]): FleetImage => ({
      image,
      repository: image,
      tag: 'latest',
      base,
      recipe: 'compose',
      recipeDigest: JSON.stringify({ base, packages, comment }),
      state,
    }),
  );
  return { name: 'test', images };
}

export const fakeDecide: Decide = (image, { baseChanges }) =>
  baseChanges && image.missing.length === 0
    ? { strategy: 'rebase', because: 'only the base moves' }
    : { strategy: 'compose', because: 'it has a recipe' };

export function fakePorts(world: World, blobs: BlobStore, options: FakeOptions = {}): PipelinePorts {
  const pause = async (): Promise<void> => {
    if (options.delay !== undefined) await sleep(options.delay);
  };
  const layersOf = async (digest: Digest): Promise<{ manifest: ImageManifest; layers: Layer[] }> => {
    const manifest = JSON.parse(String(await blobs.read(digest, 1e6))) as ImageManifest;
    const layers = await Promise.all(
      manifest.layers.map(async (layer) => JSON.parse(String(await blobs.read(layer.digest, 1e6))) as Layer),
    );
    return { manifest, layers };
  };
  const installed = async (digest: Digest): Promise<Layer> => Object.assign({}, ...(await layersOf(digest)).layers);
  const has = async (digest: Digest, list: readonly string[] = []): Promise<string | undefined> => {
    const packages = await installed(digest);
    return list.find((one) => packages[one.split('=')[0] as string] === one.split('=')[1]);
  };

  const build = async (request: BuildRequest): Promise<BuiltImage> => {
    await pause();
    const sabotage = options.sabotage?.(request);
    if (sabotage !== undefined) throw sabotage;
    const base = request.baseDigest === undefined ? undefined : await layersOf(request.baseDigest);
    const own = Object.fromEntries(
      (world.images[request.image.image]?.packages ?? []).map((name) => [name, world.versions[name] ?? '0']),
    );
    const layer = await blobs.put(Buffer.from(JSON.stringify(own)));
    const layers = [...(base?.manifest.layers ?? []), { mediaType: LAYER_TYPE, ...layer }];
    const config: ImageConfig = {
      architecture: 'amd64',
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: layers.map((one) => one.digest) },
    };
    const manifest: ImageManifest = {
      schemaVersion: 2,
      mediaType: MediaType.manifest,
      config: { mediaType: MediaType.config, ...(await blobs.put(serialize(config))) },
      layers,
    };
    const descriptor = { mediaType: MediaType.manifest, ...(await blobs.put(serialize(manifest))) };
    await pause();
    return {
      strategy: request.strategy,
      reason: 'fake',
      descriptor,
      manifest,
      config,
      baseDigest: request.baseDigest,
      changes: [],
      advisoriesFixed: [],
      statistics: { bytesBuilt: 0, bytesShared: 0, layersBuilt: 1, layersShared: layers.length - 1, milliseconds: 0 },
    };
  };

  const verify = async (digest: Digest): Promise<Verification> => {
    await pause();
    const bad = await has(digest, options.broken);
    return bad === undefined
      ? { kind: 'passed', checks: ['starts'] }
      : { kind: 'rejected', reason: `${bad} does not start` };
  };

  const rollout = async (image: string, digest: Digest): Promise<readonly RolloutOutcome[]> => {
    await pause();
    const bad = await has(digest, options.unhealthy);
    const facts = { workload: `fake:${image}`, from: 'old', to: digest, interrupted: false, milliseconds: 1 };
    return [
      bad === undefined
        ? { kind: 'rolledout', ...facts }
        : { kind: 'rolledback', reason: `${bad} is unhealthy`, blame: 'image', ...facts },
    ];
  };

  return {
    feed: { refresh: pause },
    inventory: {
      async survey(images) {
        await pause();
        const missing = images.map(async ({ image, digest }): Promise<[string, MissingUpdate[]]> => {
          const packages = Object.entries(await installed(digest));
          const old = packages.filter(([name, version]) => (world.versions[name] ?? version) !== version);
          return [
            image,
            old.map(([name, version]) => ({
              package: name,
              architecture: 'amd64',
              installed: version,
              candidate: world.versions[name] as string,
              security: options.plainUpdates?.includes(name) !== true,
              advisories: [`CVE-${name}`],
            })),
          ];
        });
        return new Map(await Promise.all(missing));
      },
    },
    build: { build },
    verify: { verify: (candidate) => verify(candidate.descriptor.digest) },
    ...(options.rollout === true
      ? { rollout: { rollout: (released) => rollout(released.image, released.descriptor.digest) } }
      : {}),
  };
}

export function retryableError(): HeraklitError {
  return new HeraklitError('TEST_RETRYABLE', { kind: 'failed', retryable: true, meaning: '' }, 'not now');
}

export function lastingError(code = 'TEST_FAILED', kind: 'failed' | 'usage' = 'failed'): HeraklitError {
  return new HeraklitError(code, { kind, retryable: false, meaning: '' }, 'never');
}
