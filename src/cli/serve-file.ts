import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Home, writeFileAtomic } from '../base/index.ts';

/** Where a running `heraklit serve` of a home says how it is reached. */
const pathOf = (home: Home): string => join(home.root, 'serve.json');

/** A running server, as commands of the same home reach it. */
export interface ServingHome {
  /** On this machine, without TLS. */
  readonly url: string;
  /** Whoever can read the home is its owner: the server lets them do everything. */
  readonly key: string;
}

export async function writeServeFile(home: Home, { url, key }: ServingHome): Promise<void> {
  await writeFileAtomic(pathOf(home), `${JSON.stringify({ url, pid: process.pid, key })}\n`, 0o600);
}

export async function removeServeFile(home: Home): Promise<void> {
  await rm(pathOf(home), { force: true });
}

/** The server that holds this home; undefined when none wrote the file. It may have died since. */
export async function readServeFile(home: Home): Promise<ServingHome | undefined> {
  try {
    const { url, key } = JSON.parse(await readFile(pathOf(home), 'utf8')) as Partial<
      Record<keyof ServingHome, unknown>
    >;
    const here = typeof url === 'string' && /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)[:/]/.test(url);
    return here && typeof key === 'string' ? { url, key } : undefined;
  } catch {
    return undefined;
  }
}
