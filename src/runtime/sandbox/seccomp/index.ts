import { assemble } from './assemble.ts';
import { profile } from './profile.ts';
import { MACHINES } from './system-calls.ts';

/**
 * The filter for commands in a sandbox on this machine, as hexadecimal digits. Empty for machines without a table, on which
 * no sandbox is made.
 */
export function filterFor(architecture: string, recorded: boolean): string {
  const machine = MACHINES[architecture];
  return machine === undefined ? '' : assemble(machine, profile(recorded)).toString('hex');
}
