import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { messageOf } from '../../../base/index.ts';
import { bad, excerpt, good, OUTPUT_BYTES, type Verdict } from '../conduct.ts';

export interface HostCommand {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Folder it runs in: the fleet file's. */
  readonly folder: string;
}

/** Of our own environment: enough to find programs, and no secret of ours. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'USER'];
/** util-linux: the kernel ends the command when we are killed (prctl(2), PR_SET_PDEATHSIG). */
const SETPRIV = '/usr/bin/setpriv';

/** A command of the user on this host, without a shell; its whole process group is killed when its time is over. */
export async function hostCommand(step: HostCommand, signal: AbortSignal): Promise<Verdict> {
  const argv = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', '--', ...step.command] : step.command;
  const own = PASSED_ON.flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name] as string]],
  );
  return await new Promise((resolve) => {
    const child = spawn(argv[0] as string, argv.slice(1), {
      cwd: step.folder,
      env: { ...Object.fromEntries(own), ...step.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let said = '';
    const hear = (part: Buffer): void => {
      said = (said + part.toString()).slice(-OUTPUT_BYTES);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const kill = (): void => {
      // Its children too, which is why it leads a group of its own.
      if (child.pid !== undefined) {
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended already.
        }
      }
    };
    if (signal.aborted) kill();
    signal.addEventListener('abort', kill, { once: true });
    child.once('error', (error) => resolve(bad(`it cannot be run: ${messageOf(error)}`)));
    child.once('exit', (code, ended) => {
      signal.removeEventListener('abort', kill);
      kill();
      if (signal.aborted) resolve(bad('it does not end in time'));
      else if (code === 0) resolve(good('exit code 0'));
      else resolve(bad(`${code === null ? `killed by ${ended}` : `exit code ${code}`}: ${excerpt(said)}`));
    });
  });
}
