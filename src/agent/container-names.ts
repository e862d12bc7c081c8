import { readFile, stat } from 'node:fs/promises';
import type { OverlayRoot } from './container-id.ts';

export interface ContainerNames {
  readonly name?: string;
  readonly image?: string;
  /** By which the image may be known: of its manifests and its configuration. */
  readonly digests?: readonly string[];
}

const MAX_BYTES = 64 * 1024 * 1024;
const TASKS = '/run/containerd/io.containerd.runtime.v2.task';
const NAMESPACES = ['k8s.io', 'moby', 'default'];

/** Name and image of a container as its engine keeps them on disk; what it does not keep is absent. */
export async function containerNames(id: string, overlay: OverlayRoot | undefined): Promise<ContainerNames> {
  const upper = overlay?.upper ?? '';
  return (await podmanNames(id, upper)) ?? (await dockerNames(id, upper)) ?? (await containerdNames(id)) ?? {};
}

async function podmanNames(id: string, upper: string): Promise<ContainerNames | undefined> {
  const storage = /^(.*)\/overlay\/[0-9a-f]{64}\/diff$/.exec(upper)?.[1];
  if (storage === undefined) return undefined;
  for (const file of ['containers.json', 'volatile-containers.json']) {
    const list = await readJson(`${storage}/overlay-containers/${file}`);
    const own = Array.isArray(list) ? list.map(members).find((one) => one.id === id) : undefined;
    if (own === undefined) continue;
    const metadata = members(parse(text(own.metadata) ?? ''));
    const image = text(own.image);
    const digests = image === undefined || image === '' ? [] : await podmanDigests(storage, image);
    return { ...named(text(metadata.name), text(metadata['image-name']) ?? image), digests };
  }
  return undefined;
}

async function dockerNames(id: string, upper: string): Promise<ContainerNames | undefined> {
  const docker = /^(.*)\/overlay2\/[^/]+\/diff$/.exec(upper)?.[1];
  if (docker === undefined) return undefined;
  const own = members(await readJson(`${docker}/containers/${id}/config.v2.json`));
  if (own.Name === undefined) return undefined;
  const digests = await dockerDigests(docker, text(own.Image) ?? '');
  return { ...named(text(own.Name)?.replace(/^\//, ''), text(members(own.Config).Image)), digests };
}

/** What the container runtime interface of Kubernetes leaves with containerd. */
async function containerdNames(id: string): Promise<ContainerNames | undefined> {
  for (const namespace of NAMESPACES) {
    const found = members(members(await readJson(`${TASKS}/${namespace}/${id}/config.json`)).annotations);
    const image = text(found['io.kubernetes.cri.image-name']);
    if (image !== undefined) return named(text(found['io.kubernetes.cri.container-name']), image);
  }
  return undefined;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** containers/storage keeps every manifest that it was pulled by; the id is the digest of the configuration. */
async function podmanDigests(storage: string, id: string): Promise<readonly string[]> {
  const list = await readJson(`${storage}/overlay-images/images.json`);
  const own = Array.isArray(list) ? list.map(members).find((one) => one.id === id) : undefined;
  const kept = Object.entries(members(own?.['big-data-digests'])).filter(([name]) => name.startsWith('manifest'));
  return distinct([text(own?.digest), ...kept.map(([, digest]) => text(digest)), `sha256:${id}`]);
}

/** Docker keeps what names an image has, `repository@digest` among them. */
async function dockerDigests(folder: string, id: string): Promise<readonly string[]> {
  const { Repositories } = members(await readJson(`${folder}/image/overlay2/repositories.json`));
  const names = Object.values(members(Repositories)).flatMap((own) => Object.entries(members(own)));
  return distinct([...names.flatMap(([name, of]) => (of === id ? [name.split('@')[1]] : [])), id]);
}

const distinct = (digests: readonly (string | undefined)[]): readonly string[] => [
  ...new Set(digests.filter((one) => one !== undefined && DIGEST.test(one)) as string[]),
];

const named = (name: string | undefined, image: string | undefined): ContainerNames => ({
  ...(name === undefined ? {} : { name }),
  ...(image === undefined ? {} : { image }),
});

async function readJson(path: string): Promise<unknown> {
  try {
    if ((await stat(path)).size > MAX_BYTES) return undefined;
    return parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const members = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
