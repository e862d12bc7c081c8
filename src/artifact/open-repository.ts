import { formatReference, type Reference } from '../oci/index.ts';
import type { RegistryClientOptions } from '../registry/index.ts';
import { artifactError } from './errors.ts';
import { layoutRepository } from './layout-repository.ts';
import { registryRepository } from './registry-repository.ts';
import type { ArtifactRepository } from './types.ts';

export interface NamedArtifact {
  readonly repository: ArtifactRepository;
  /** Tag or digest; undefined where the reference says neither. */
  readonly name: string | undefined;
  readonly tag: string | undefined;
}

/** @throws ARTIFACT_REFERENCE_UNSUPPORTED for archives and root folders */
export function openRepository(reference: Reference, options: RegistryClientOptions = {}): NamedArtifact {
  switch (reference.kind) {
    case 'docker':
      return {
        repository: registryRepository(reference, options),
        name: reference.digest ?? reference.tag,
        tag: reference.tag,
      };
    case 'oci':
      return { repository: layoutRepository(reference.directory), name: reference.tag, tag: reference.tag };
    default:
      throw artifactError('ARTIFACT_REFERENCE_UNSUPPORTED', `${formatReference(reference)} can hold no artifact`, {
        hint: 'Artifacts lie in registries (HOST/REPOSITORY:TAG) and OCI layouts (oci:DIR:TAG).',
      });
  }
}
