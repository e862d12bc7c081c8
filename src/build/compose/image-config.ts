import type { ImageConfig, ImageManifest, Platform, RuntimeConfig } from '../../oci/index.ts';
import { digestOf, MediaType, serialize } from '../../oci/index.ts';
import type { Recipe } from '../../recipe/index.ts';
import type { StoredLayer } from './group-layer.ts';
import { formatLock } from './lock.ts';
import type { Lock } from './lock-form.ts';
import type { ComposeBase } from './types.ts';

/** What Debian images start with; a recipe's own PATH wins. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const GOARCH: Readonly<Record<string, { readonly architecture: string; readonly variant?: string }>> = {
  amd64: { architecture: 'amd64' },
  arm64: { architecture: 'arm64', variant: 'v8' },
  armhf: { architecture: 'arm', variant: 'v7' },
  armel: { architecture: 'arm', variant: 'v5' },
  i386: { architecture: '386' },
  ppc64el: { architecture: 'ppc64le' },
  s390x: { architecture: 's390x' },
  riscv64: { architecture: 'riscv64' },
};

/** The OCI platform of an architecture in Debian's word. */
export function platformOf(architecture: string): Platform {
  return { os: 'linux', ...(GOARCH[architecture] ?? { architecture }) };
}

function environment(recipe: Recipe, base: ComposeBase | undefined): readonly string[] {
  const inherited = base?.image.config.config?.Env ?? [`PATH=${DEFAULT_PATH}`];
  const variables = new Map(
    inherited.map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
  for (const [name, value] of Object.entries(recipe.config?.env ?? {})) variables.set(name, value);
  return [...variables].map(([name, value]) => `${name}=${value}`);
}

function runtimeConfig(
  recipe: Recipe,
  base: ComposeBase | undefined,
  labels: Readonly<Record<string, string>>,
): RuntimeConfig {
  const own = recipe.config ?? {};
  const { Cmd, ...inherited } = base?.image.config.config ?? {};
  const ports = own.ports?.map((port) => [port.includes('/') ? port : `${port}/tcp`, {}] as const);
  // As in a Dockerfile, a new entrypoint makes the base's arguments meaningless.
  const cmd = own.cmd ?? (own.entrypoint === undefined ? Cmd : undefined);
  return {
    ...inherited,
    Env: environment(recipe, base),
    ...(own.entrypoint === undefined ? {} : { Entrypoint: own.entrypoint }),
    ...(cmd === undefined ? {} : { Cmd: cmd }),
    ...(own.user === undefined ? {} : { User: own.user }),
    ...(own.workdir === undefined ? {} : { WorkingDir: own.workdir }),
    ...(own.stopsignal === undefined ? {} : { StopSignal: own.stopsignal }),
    ...(ports === undefined ? {} : { ExposedPorts: { ...inherited.ExposedPorts, ...Object.fromEntries(ports) } }),
    Labels: { ...inherited.Labels, ...own.labels, ...labels },
  };
}

/** RFC 3339 of the epoch: when the newest package was made, not when the image was. */
const created = (epoch: number): string => new Date(epoch * 1000).toISOString().replace('.000Z', 'Z');

/** Facts about the build, on the manifest and as labels: engines show one, registries the other. */
function facts(recipe: Recipe, lock: Lock): Readonly<Record<string, string>> {
  return {
    'org.opencontainers.image.created': created(lock.epoch),
    'org.opencontainers.image.title': recipe.name,
    ...(lock.base === undefined
      ? {}
      : {
          'org.opencontainers.image.base.name': lock.base.name,
          'org.opencontainers.image.base.digest': lock.base.digest,
        }),
    'io.heraklit.distribution': lock.distribution,
    'io.heraklit.recipe': digestOf(serialize(recipe)),
    'io.heraklit.lock': digestOf(formatLock(lock)),
  };
}

export function imageConfig(
  recipe: Recipe,
  lock: Lock,
  base: ComposeBase | undefined,
  layers: readonly StoredLayer[],
): ImageConfig {
  const below = base?.image.config;
  const platform = GOARCH[lock.architecture] ?? { architecture: lock.architecture };
  return {
    created: created(lock.epoch),
    ...platform,
    os: 'linux',
    config: runtimeConfig(recipe, base, facts(recipe, lock)),
    rootfs: { type: 'layers', diff_ids: [...(below?.rootfs.diff_ids ?? []), ...layers.map(({ diffId }) => diffId)] },
    history: [
      ...(below?.history ?? (below?.rootfs.diff_ids ?? []).map(() => ({ comment: 'base' }))),
      ...layers.map(({ comment }) => ({ created: created(lock.epoch), created_by: 'heraklit compose', comment })),
    ],
  };
}

export function imageManifest(
  recipe: Recipe,
  lock: Lock,
  base: ComposeBase | undefined,
  layers: readonly StoredLayer[],
  config: ImageManifest['config'],
): ImageManifest {
  return {
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config,
    layers: [...(base?.image.manifest.layers ?? []), ...layers.map(({ descriptor }) => descriptor)],
    annotations: facts(recipe, lock),
  };
}
