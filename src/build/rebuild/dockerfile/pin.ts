import type { ImageUse, ReadDockerfile } from './read.ts';

/**
 * The Dockerfile with other names for the images it uses, each where it stood; a `# syntax` directive becomes an empty
 * comment, since the builder must not fetch another one. Lines keep their numbers.
 */
export function withImages(dockerfile: ReadDockerfile, name: (use: ImageUse) => string): string {
  const { text, uses, syntax } = dockerfile;
  const changes = [
    ...uses.map((use) => ({ start: use.start, end: use.end, to: name(use) })),
    ...(syntax === undefined ? [] : [{ ...syntax, to: '#' }]),
  ].sort((a, b) => b.start - a.start);
  return changes.reduce((result, { start, end, to }) => result.slice(0, start) + to + result.slice(end), text);
}

/** Short names as Docker reads them: `debian:13` → `docker.io/library/debian:13`. Transports are left alone. */
export function fullName(name: string): string {
  if (/^(?:oci|oci-archive|docker-archive):/.test(name) || name.startsWith('docker://')) return name;
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  if (first.includes('.') || first.includes(':') || first === 'localhost') return name;
  return `docker.io/${slash < 0 ? 'library/' : ''}${name}`;
}
