import { isDigest } from './digest.ts';
import { parseReference, type RegistryReference } from './reference.ts';

/**
 * An image as engines and clusters name it: what has no host is Docker Hub's (`nginx` is
 * `docker.io/library/nginx:latest`). Undefined for what names no image of a registry (an id, a name of another engine).
 * @see https://github.com/distribution/reference (normalisation)
 */
export function imageNameOf(text: string): RegistryReference | undefined {
  const [first = '', ...rest] = text.split('/');
  if (isDigest(text) || /^[0-9a-f]{12,64}$/.test(text)) return undefined;
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const full = hasHost ? text : `docker.io/${rest.length === 0 ? 'library/' : ''}${text}`;
  try {
    const reference = parseReference(full);
    if (reference.kind !== 'docker') return undefined;
    return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
  } catch {
    return undefined;
  }
}
