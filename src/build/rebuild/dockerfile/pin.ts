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
