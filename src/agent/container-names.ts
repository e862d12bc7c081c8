import { readFile, stat } from 'node:fs/promises';
import type { OverlayRoot } from './container-id.ts';

export interface ContainerNames {
  readonly name?: string;
  readonly image?: string;
}

const MAX_BYTES = 64 * 1024 * 1024;
const TASKS = '/run/containerd/io.containerd.runtime.v2.task';
const NAMESPACES = ['k8s.io', 'moby', 'default'];

/** Name and image of a container as its engine keeps them on disk; what it does not keep is absent. */
export async function containerNames(id: string, overlay: OverlayRoot | undefined): Promise<ContainerNames> {
  const storage = /^(.*)\/overlay\/[0-9a-f]{64}\/diff$/.exec(overlay?.upper ?? '')?.[1];
  for (const file of storage === undefined ? [] : ['containers.json', 'volatile-containers.json']) {
    const list = await readJson(`${storage}/overlay-containers/${file}`);
    const own = Array.isArray(list) ? list.map(members).find((one) => one.id === id) : undefined;
    if (own === undefined) continue;
    const metadata = members(parse(text(own.metadata) ?? ''));
    return named(text(metadata.name), text(metadata['image-name']) ?? text(own.image));
  }
  const docker = /^(.*)\/overlay2\/[^/]+\/diff$/.exec(overlay?.upper ?? '')?.[1];
  if (docker !== undefined) {
    const own = members(await readJson(`${docker}/containers/${id}/config.v2.json`));
    if (own.Name !== undefined) return named(text(own.Name)?.replace(/^\//, ''), text(members(own.Config).Image));
  }
  for (const namespace of NAMESPACES) {
    const found = members(members(await readJson(`${TASKS}/${namespace}/${id}/config.json`)).annotations);
    const image = text(found['io.kubernetes.cri.image-name']);
    if (image !== undefined) return named(text(found['io.kubernetes.cri.container-name']), image);
  }
  return {};
}

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
