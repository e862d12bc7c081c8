import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/index.ts';

export interface HostIdentity {
  /** Stays, whatever the host is called. */
  readonly id: string;
  readonly name: string;
}

/**
 * Who this machine is: from its machine id and name (clones of one disk share the id), hashed, because the id itself is
 * not to be told to others (machine-id(5)); where there is none, a number drawn once and kept in `folder`.
 */
export async function hostIdentity(
  folder: string,
  { name = hostname(), machineIdFile = '/etc/machine-id' } = {},
): Promise<HostIdentity> {
  const machine = (await readFile(machineIdFile, 'utf8').catch(() => '')).trim();
  if (/^[0-9a-f]{32}$/.test(machine) && !/^0+$/.test(machine)) {
    const hash = createHash('sha256').update(`heraklit agent\n${machine}\n${name}`).digest('hex');
    return { id: hash.slice(0, 32), name };
  }
  const path = join(folder, 'host-id');
  const kept = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (/^[0-9a-f]{32}$/.test(kept)) return { id: kept, name };
  const id = randomUUID().replaceAll('-', '');
  await writeFileAtomic(path, `${id}\n`);
  return { id, name };
}
