import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, formatPlatform, hostPlatform, isDigest } from '../../oci/index.ts';
import { openImage } from '../../transport/index.ts';
import { readDockerfile } from './dockerfile/read.ts';
import { rebuildError } from './errors.ts';
import { importResult } from './import-result.ts';
import { formatDockerfileLock, inputsDigest, withPlatform } from './lock.ts';
import { closeImages, openImages, type PinnedImage } from './open-images.ts';
import { type OpenedSnapshot, openSnapshot, usableLock } from './open-snapshot.ts';
import { runBuilder } from './run-builder.ts';
import { createSecretSearch, readSecrets } from './secrets.ts';
import type { LockedResource } from './snapshot/types.ts';
import { verifyResources } from './snapshot/verify.ts';
import type { RebuildRequest, RebuildTools, RebuiltImage } from './types.ts';

/**
 * Dockerfile → image, by a builder that reaches nothing but a snapshot: images pinned by digest; packages recorded and
 * verified on the first run, from then on served as locked.
 *
 * @throws REBUILD_*, and what opening an image throws
 */
export async function rebuild(request: RebuildRequest, tools: RebuildTools): Promise<RebuiltImage> {
  const started = performance.now();
  await checkRequest(request, tools);
  const platform = formatPlatform(request.platform);
  const buildArgs = request.buildArgs ?? {};
  const dockerfile = readDockerfile(request.dockerfile, {
    buildArgs,
    platform,
    buildPlatform: formatPlatform(hostPlatform()),
  });
  const inputs = inputsDigest({ dockerfile: request.dockerfile, buildArgs, target: request.target, platform });
  const locked = usableLock(request, inputs);
  const epoch = request.epoch ?? locked?.epoch ?? Math.floor(Date.now() / 1000);
  const secrets = await readSecrets(request.secrets ?? []);
  const opened = await openSnapshot(request, dockerfile.urls, locked, tools);
  const pinned = await openImages(dockerfile, platform, locked, tools);
  await mkdir(tools.scratch, { recursive: true });
  const directory = await mkdtemp(join(tools.scratch, 'rebuild-'));
  try {
    const { snapshot } = opened;
    const images = new Map([...pinned].map(([key, { image }]) => [key, image]));
    const made = await runBuilder({ request, dockerfile, images, snapshot, secrets, epoch, directory }, tools);
    const resources = await fetched(opened, tools);
    const lock = { platform, inputs, epoch, images: [...pinned.values()].map((one) => one.locked), resources };
    const search = createSecretSearch(secrets);
    const text = Buffer.from(formatDockerfileLock(withPlatform(undefined, lock)));
    search.check(text, 'the lock');
    const result = await openImage(
      { kind: 'oci', directory: made.layout, tag: made.tag },
      { platform: request.platform },
    );
    const imported = await importResult(result, [...pinned.values()], tools.store, {
      lock: digestOf(text),
      secrets: search,
      renames: renamesOf(made.names, pinned),
    });
    return {
      ...imported,
      strategy: 'rebuild',
      reason: `built from its Dockerfile, ${opened.kind === 'locked' ? 'as locked' : 'and locked'}`,
      baseDigest: baseDigestOf(imported.manifest.annotations),
      changes: [],
      advisoriesFixed: [],
      statistics: { ...imported.statistics, milliseconds: Math.round(performance.now() - started) },
      lock,
      recorded: opened.kind === 'recording',
      refused: snapshot.refusals(),
    };
  } finally {
    await closeImages(pinned);
    await rm(directory, { recursive: true, force: true });
  }
}

/** @throws REBUILD_CONTEXT_INVALID, REBUILD_BUILDER_MISSING */
async function checkRequest({ context }: RebuildRequest, { builder }: RebuildTools): Promise<void> {
  const facts = await stat(context).catch(() => undefined);
  if (facts?.isDirectory() !== true) {
    throw rebuildError('REBUILD_CONTEXT_INVALID', `the build context ${context} is no folder`, {
      hint: 'Give the folder that COPY and ADD take from with --context.',
    });
  }
  const missing = builder.missing();
  if (missing === undefined) return;
  throw rebuildError('REBUILD_BUILDER_MISSING', `${builder.name} cannot build here: ${missing}`, {
    hint: 'Install buildah and runc (or crun), and run as root.',
  });
}

/** What the lock will name. @throws REBUILD_SNAPSHOT_UNVERIFIED, REBUILD_SNAPSHOT_LIMIT */
async function fetched(opened: OpenedSnapshot, tools: RebuildTools): Promise<readonly LockedResource[]> {
  if (opened.kind === 'locked') return opened.lock.resources;
  return verifyResources(opened.snapshot.resources(), tools.content, tools.keyrings, tools.log);
}

/** Names that the builder was given for pinned images → those of the Dockerfile. */
function renamesOf(
  names: ReadonlyMap<string, string>,
  pinned: ReadonlyMap<string, PinnedImage>,
): ReadonlyMap<string, string> {
  return new Map([...names].map(([key, name]) => [name, pinned.get(key)?.locked.name ?? name]));
}

function baseDigestOf(annotations: Readonly<Record<string, string>> | undefined) {
  const digest = annotations?.['org.opencontainers.image.base.digest'];
  return digest !== undefined && isDigest(digest) ? digest : undefined;
}
