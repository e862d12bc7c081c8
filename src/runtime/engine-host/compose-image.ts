import type { EngineApi } from './api.ts';
import type { ContainerInspect } from './api-types.ts';
import { composeService } from './compose-project.ts';
import { Label, type Labels } from './labels.ts';
import { repositoryOf } from './list.ts';
import { labelsOf } from './replica.ts';

/** Id of the image that docker compose made a container of: where the file's name means another one, it makes it anew. */
const IMAGE = 'com.docker.compose.image';

const REFERENCE = /^[^\s@]+$/;

/** How the compose file names the image of this container; undefined where it is no compose service, or pinned by digest. */
function nameInFile(container: ContainerInspect): string | undefined {
  const labels = labelsOf(container);
  if (composeService(labels) === undefined) return undefined;
  const name = labels[Label.composeImage] ?? container.Config.Image ?? '';
  if (!REFERENCE.test(name) || /^(?:sha256:)?[0-9a-f]{64}$/.test(name)) return undefined;
  return name;
}

/**
 * Labels for the successor of a container that docker compose made, so that compose takes it for its own. The file's name
 * is moved to the new image where that is of the same repository; a name is never made to mean an image from elsewhere.
 */
export function composeImageLabels(
  current: ContainerInspect,
  target: { readonly imageId: string; readonly reference: string },
): Labels {
  const name = nameInFile(current);
  if (name === undefined || repositoryOf(name) !== repositoryOf(target.reference)) return {};
  return {
    [Label.composeImage]: name,
    ...(labelsOf(current)[IMAGE] === undefined ? {} : { [IMAGE]: target.imageId }),
  };
}

function previousId(container: ContainerInspect): string | undefined {
  try {
    const read = JSON.parse(labelsOf(container)[Label.previous] ?? 'null') as { id?: unknown } | null;
    return typeof read?.id === 'string' ? read.id : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Lets the name that a compose file uses mean, on this engine, the image that its service runs now: else the next
 * `compose up` after an edit of the file would bring back the old one. Where the name means neither (somebody pulled), it
 * is left.
 */
export async function moveComposeNames(api: EngineApi, containers: readonly ContainerInspect[]): Promise<void> {
  const wanted = new Map(
    containers.flatMap((container) => {
      const name = labelsOf(container)[Label.composeImage];
      return name === undefined || nameInFile(container) === undefined ? [] : [[name, container] as const];
    }),
  );
  for (const [name, container] of wanted) {
    const named = await api.image(name);
    if (named === undefined || named.Id === previousId(container)) await api.tag(container.Image, name);
  }
}
