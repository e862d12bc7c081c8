import { spawnSync } from 'node:child_process';
import { capabilityText } from './capability.ts';
import { native } from './root-folder.ts';

/** Sets one attribute of one file with a tool of the host. @returns false where no tool can */
function setXattr(path: string, name: string, value: Uint8Array): boolean {
  const target = native(path);
  // A name that is no text cannot be given in arguments.
  if (typeof target !== 'string') return false;
  const encoded = `0s${Buffer.from(value).toString('base64')}`;
  if (spawnSync('setfattr', ['-h', '-n', name, '-v', encoded, '--', target], { stdio: 'ignore' }).status === 0)
    return true;
  const capability = name === 'security.capability' ? capabilityText(value) : undefined;
  return capability !== undefined && spawnSync('setcap', ['-q', capability, target], { stdio: 'ignore' }).status === 0;
}

/**
 * Sets extended attributes; Node has no call for it, so setfattr (or, for capabilities, setcap) is asked where present.
 * @returns names of those that could not be set
 */
export function setXattrs(path: string, xattrs: ReadonlyMap<string, Uint8Array>): readonly string[] {
  return [...xattrs].filter(([name, value]) => !setXattr(path, name, value)).map(([name]) => name);
}
