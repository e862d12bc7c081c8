import { readFileSync } from 'node:fs';

/** From package.json, two folders up both in src/cli and in dist/cli. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
