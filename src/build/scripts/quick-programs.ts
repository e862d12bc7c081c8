import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { quickConfig, quickPostinst, quickUpdate } from './certificates.ts';
import { withFunctions } from './systemd-helper.ts';

/** Bytes; the largest of them has 25,000. */
const MAX_SCRIPT = 1024 * 1024;

/** Scripts whose work can be had for less, by path. */
const PROGRAMS: Readonly<Record<string, (text: string) => string | undefined>> = {
  '/usr/bin/deb-systemd-helper': withFunctions,
  '/usr/sbin/update-ca-certificates': quickUpdate,
  '/var/lib/dpkg/info/ca-certificates.config': quickConfig,
  '/var/lib/dpkg/info/ca-certificates.postinst': quickPostinst,
};

/**
 * Stand-ins for scripts of a root that have the same effect with fewer programs, by absolute path, for
 * `Sandbox.run`. Each is the root's own script, with parts put before others; versions that are not known stay as they are.
 * @param root path of an image's root; no link below it is followed
 */
export async function quickPrograms(root: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const [path, quicken] of Object.entries(PROGRAMS)) {
    const text = await readScript(root, path);
    const quick = text === undefined ? undefined : quicken(text);
    if (quick !== undefined) found.set(path, quick);
  }
  return found;
}

/** As latin1, so that every byte stays as it is; undefined for what is not there, or not a plain file in plain folders. */
async function readScript(root: string, path: string): Promise<string | undefined> {
  const parts = path.split('/').slice(1);
  try {
    for (let depth = 1; depth < parts.length; depth += 1) {
      if (!(await lstat(join(root, ...parts.slice(0, depth)))).isDirectory()) return undefined;
    }
    const file = await open(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = await file.stat();
      if (!(await file.stat()).isFile() || size > MAX_SCRIPT) return undefined;
      return await file.readFile('latin1');
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
