import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Progress } from '../../src/base/index.ts';
import { type ComposeBase, type ComposedImage, compose, type Lock } from '../../src/build/index.ts';
import type { RepositorySnapshot } from '../../src/distro/index.ts';
import { createPackageCache, discoverMirrors, openRepositories, type PackageCache } from '../../src/feed/index.ts';
import { parseImageConfig, parseManifest } from '../../src/oci/index.ts';
import { parseRecipe } from '../../src/recipe/index.ts';
import { type BlobStore, openBlobStore, updateLayoutIndex, withImage } from '../../src/storage/index.ts';

/** Packages and indexes may be shared by tests; what is built from them may not. */
export interface Downloads {
  readonly packages: PackageCache;
  repositories(): Promise<readonly RepositorySnapshot[]>;
}

export interface BuildOptions {
  readonly lock?: Lock;
  readonly locked?: boolean;
  readonly update?: boolean | readonly string[];
  readonly architecture?: string;
  readonly progress?: Progress;
}

/** A home to compose in, and the images made there by name. */
export interface ComposeHome {
  readonly root: string;
  readonly store: BlobStore;
  build(recipe: string, options?: BuildOptions): Promise<ComposedImage>;
}

/** Verified indexes from this machine's mirror; undefined (and a skip) when none can be reached. */
export async function openDownloads(
  context: TestContext,
  cache: string,
  distribution = 'debian/trixie',
): Promise<Downloads | undefined> {
  try {
    const mirrors = await discoverMirrors({ id: 'debian' });
    let snapshots: Promise<readonly RepositorySnapshot[]> | undefined;
    const repositories = (): Promise<readonly RepositorySnapshot[]> => {
      snapshots ??= openRepositories({ distribution, architecture: 'amd64', mirrors, cache });
      return snapshots;
    };
    await repositories();
    return { packages: createPackageCache({ directory: cache, mirrors }), repositories };
  } catch (error) {
    context.skip(`no Debian mirror: ${String(error)}`);
    return undefined;
  }
}

export async function openComposeHome(context: TestContext, downloads: Downloads): Promise<ComposeHome> {
  // Lower case: podman makes an image name of the path.
  const root = join(tmpdir(), `compose-home-${randomUUID()}`);
  await mkdir(root);
  context.after(() => rm(root, { recursive: true, force: true }));
  const store = await openBlobStore(join(root, 'store'));
  return {
    root,
    store,
    build: async (text, options = {}) => {
      const recipe = parseRecipe(text);
      const base = recipe.from === undefined ? undefined : await baseNamed(root, store, recipe.from);
      const image = await compose({
        ...options,
        ...(base === undefined ? {} : { base }),
        ...{ recipe, directory: root, architecture: options.architecture ?? 'amd64', store },
        cache: join(root, 'cache'),
        scratch: join(root, 'scratch'),
        repositories: downloads.repositories,
        fetchPackage: async (item, signal) => readFile(await downloads.packages.fetch(item, signal)),
      });
      await updateLayoutIndex(join(root, 'store'), (index) => withImage(index, image.descriptor, recipe.name));
      return image;
    },
  };
}

async function baseNamed(root: string, store: BlobStore, name: string): Promise<ComposeBase> {
  const index = JSON.parse(readFileSync(join(root, 'store', 'index.json'), 'utf8'));
  const { digest, mediaType } = index.manifests.find(
    (item: { annotations: Record<string, string> }) => item.annotations['org.opencontainers.image.ref.name'] === name,
  );
  const manifestBytes = await store.read(digest, 1e7);
  const manifest = parseManifest(manifestBytes);
  const config = parseImageConfig(await store.read(manifest.config.digest, 1e7));
  return { name, image: { digest, mediaType, manifestBytes, manifest, config, blobs: store } };
}
