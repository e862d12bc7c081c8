import { createHash } from 'node:crypto';
import { parse, stringify } from 'yaml';
import { isDigest, serialize } from '../../oci/index.ts';
import { rebuildError } from './errors.ts';
import type { LockedResource } from './snapshot/types.ts';

export interface LockedImage {
  /** As the Dockerfile names it, variables replaced. */
  readonly name: string;
  /** `linux/amd64` */
  readonly platform: string;
  readonly digest: string;
}

/** Everything that a build of one platform took from outside its context. */
export interface PlatformLock {
  readonly platform: string;
  /** Digest of Dockerfile, arguments, target: what the lock was made for. */
  readonly inputs: string;
  /** Seconds since the epoch: what the build takes for now (SOURCE_DATE_EPOCH). */
  readonly epoch: number;
  readonly images: readonly LockedImage[];
  readonly resources: readonly LockedResource[];
}

/** `Dockerfile.lock` */
export interface DockerfileLock {
  readonly apiVersion: 'heraklit/v1';
  readonly kind: 'DockerfileLock';
  readonly platforms: readonly PlatformLock[];
}

const MAX_LOCK_BYTES = 32 * 1024 * 1024;
const COMMENT = '# Written by heraklit build; keep it beside the Dockerfile under version control.\n';

export function formatDockerfileLock(lock: DockerfileLock): string {
  return COMMENT + stringify(lock, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** A platform's part replaced, the others kept, in the order of their names. */
export function withPlatform(lock: DockerfileLock | undefined, part: PlatformLock): DockerfileLock {
  const others = (lock?.platforms ?? []).filter(({ platform }) => platform !== part.platform);
  const platforms = [...others, part].sort((a, b) => (a.platform < b.platform ? -1 : 1));
  return { apiVersion: 'heraklit/v1', kind: 'DockerfileLock', platforms };
}

/** @throws REBUILD_LOCK_INVALID */
export function parseDockerfileLock(text: string, file: string): DockerfileLock {
  const invalid = (why: string): never => {
    throw rebuildError('REBUILD_LOCK_INVALID', `${file}: ${why}`, {
      hint: 'Remove it, or bring back the committed one.',
    });
  };
  if (text.length > MAX_LOCK_BYTES) invalid(`it has more than ${MAX_LOCK_BYTES} bytes`);
  let value: unknown;
  try {
    value = parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw rebuildError('REBUILD_LOCK_INVALID', `${file} is no YAML`, { cause: error });
  }
  if (!isObject(value) || value.apiVersion !== 'heraklit/v1' || value.kind !== 'DockerfileLock')
    invalid('it is no lock of a Dockerfile (kind: DockerfileLock)');
  const { platforms } = value as { platforms?: unknown };
  if (!Array.isArray(platforms)) return invalid('platforms is no list');
  for (const part of platforms as unknown[]) {
    const problem = problemOf(part);
    if (problem !== undefined) invalid(problem);
  }
  return value as unknown as DockerfileLock;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isOptional = (value: unknown, test: (value: unknown) => boolean): boolean => value === undefined || test(value);

function problemOf(part: unknown): string | undefined {
  if (!isObject(part) || !isText(part.platform) || !isText(part.inputs) || !isCount(part.epoch))
    return 'a platform lacks platform, inputs or epoch';
  const { images, resources, platform } = part;
  if (!Array.isArray(images) || !Array.isArray(resources)) return `${platform}: images or resources is no list`;
  const image = (images as unknown[]).find(
    (one) =>
      !isObject(one) || !isText(one.name) || !isText(one.platform) || !isText(one.digest) || !isDigest(one.digest),
  );
  if (image !== undefined) return `${platform}: an image lacks name, platform or digest`;
  const resource = (resources as unknown[]).find((one) => !isResource(one));
  return resource === undefined ? undefined : `${platform}: a resource lacks url, size, sha256 or by`;
}

const isResource = (one: unknown): boolean =>
  isObject(one) &&
  isText(one.url) &&
  /^https?:\/\//.test(one.url) &&
  URL.canParse(one.url) &&
  isCount(one.size) &&
  isText(one.sha256) &&
  /^[0-9a-f]{64}$/.test(one.sha256) &&
  isText(one.by) &&
  isOptional(one.status, (status) => isCount(status) && (status as number) >= 200 && (status as number) < 600) &&
  [one.accept, one.type, one.location].every((value) =>
    isOptional(value, (text) => isText(text) && !/[\r\n]/.test(text)),
  );

export interface BuildInputs {
  /** Its text, and whatever else makes it another one. */
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  readonly platform: string;
}

/** What a lock is made for. Changes of the context alone keep it: a build that then needs more is refused by name. */
export function inputsDigest({ recipe, buildArgs, target, platform }: BuildInputs): string {
  const args = Object.fromEntries(Object.entries(buildArgs).sort(([a], [b]) => (a < b ? -1 : 1)));
  const inputs = { ...recipe, args, platform, ...(target === undefined ? {} : { target }) };
  return `sha256:${createHash('sha256').update(serialize(inputs)).digest('hex')}`;
}
