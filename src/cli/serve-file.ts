import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Home, writeFileAtomic } from '../base/index.ts';

/** Where a running `heraklit serve` of a home says how it is reached. */
const pathOf = (home: Home): string => join(home.root, 'serve.json');

export async function writeServeFile(home: Home, url: string): Promise<void> {
  await writeFileAtomic(pathOf(home), `${JSON.stringify({ url, pid: process.pid })}\n`, 0o600);
}

export async function removeServeFile(home: Home): Promise<void> {
  await rm(pathOf(home), { force: true });
}

/** URL of the server that holds this home; undefined when none wrote one. It may have died since. */
export async function readServeFile(home: Home): Promise<string | undefined> {
  try {
    const { url } = JSON.parse(await readFile(pathOf(home), 'utf8')) as { readonly url?: unknown };
    return typeof url === 'string' && /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)[:/]/.test(url) ? url : undefined;
  } catch {
    return undefined;
  }
}
