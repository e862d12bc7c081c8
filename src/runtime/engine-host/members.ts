import { isDigest } from '../../oci/index.ts';
import type { RolloutRequest } from '../port.ts';
import type { EngineApi } from './api.ts';
import type { ContainerInspect } from './api-types.ts';
import { engineHostError } from './errors.ts';
import { Label } from './labels.ts';
import type { ImageTarget } from './replace.ts';
import { labelsOf, workloadNameOf } from './replica.ts';

/** All containers of a workload, stopped ones included. */
export async function membersOf(api: EngineApi, name: string): Promise<readonly ContainerInspect[]> {
  const found = (await api.list()).filter(({ Labels, Names }) => {
    const own = (Names?.[0] ?? '').replace(/^\//, '');
    return Labels?.[Label.owner] === undefined && workloadNameOf(Labels ?? {}, own) === name;
  });
  const inspected = await Promise.all(found.map(async ({ Id }) => await api.inspect(Id)));
  return inspected.filter((container) => container !== undefined);
}

/** What a request names, pulled if the engine does not have it. @throws ENGINE_HOST_PULL_FAILED */
export async function targetOf(api: EngineApi, request: RolloutRequest, signal?: AbortSignal): Promise<ImageTarget> {
  let image = await api.image(request.image);
  if (image === undefined) {
    await api.pull(request.image, signal);
    image = await api.image(request.image);
  }
  if (image === undefined) {
    throw engineHostError('ENGINE_HOST_PULL_FAILED', `${api.engine} pulled ${request.image} and does not know it`);
  }
  return { image: request.image, imageId: image.Id, digest: request.digest, reference: request.image };
}

/** What a replaced container says ran before it; its image is still on the engine unless somebody pruned it. */
export async function previousOf(api: EngineApi, container: ContainerInspect): Promise<ImageTarget | undefined> {
  try {
    const text = labelsOf(container)[Label.previous];
    const read = JSON.parse(text ?? 'null') as {
      image?: string;
      id?: string;
      digest?: string;
      reference?: string;
    } | null;
    if (typeof read?.image !== 'string' || typeof read.id !== 'string') return undefined;
    const named = await api.image(read.image);
    const digest = read.digest !== undefined && isDigest(read.digest) ? read.digest : undefined;
    // The name may have moved to another image since.
    const image = named?.Id === read.id ? read.image : read.id;
    return { image, imageId: read.id, digest, reference: read.reference ?? read.image };
  } catch {
    return undefined;
  }
}
