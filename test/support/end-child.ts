import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Milliseconds that a process has to end: far more than it takes on a loaded machine, far less than a test run. */
const PATIENCE = 120_000;

/** Tells a process to end and waits for it; one that does not is killed, and the test fails. @returns code and signal */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<readonly unknown[]> {
  if (child.exitCode !== null || child.signalCode !== null) return [child.exitCode, child.signalCode];
  const ended = once(child, 'exit');
  let killed = false;
  const timer = setTimeout(() => {
    killed = true;
    child.kill('SIGKILL');
  }, PATIENCE);
  child.kill(signal);
  const how = await ended;
  clearTimeout(timer);
  assert.ok(!killed, `${child.spawnargs.slice(1, 4).join(' ')} did not end within ${PATIENCE / 1_000} s of ${signal}`);
  return how;
}
