import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { composeError } from '../errors.ts';

const run = promisify(execFile);

/** dnf's own interpreter: another python3 on the PATH does not know dnf. */
export const PYTHON = '/usr/bin/python3';

let known: Promise<string> | undefined;

/**
 * The versions of the tools that make an rpm image, which are part of what its result depends on.
 * @throws COMPOSE_NO_TOOL
 */
export function rpmTools(): Promise<string> {
  known ??= find().catch((cause: unknown) => {
    known = undefined;
    throw composeError('COMPOSE_NO_TOOL', 'images of rpm distributions are made by rpm and dnf, which are not here', {
      cause,
      hint: 'Install them: on Debian apt-get install rpm dnf; on others rpm and dnf 4 with its Python module.',
    });
  });
  return known;
}

async function find(): Promise<string> {
  const rpm = await run('/usr/bin/rpm', ['--version']);
  const dnf = await run(PYTHON, ['-c', 'import dnf; print(dnf.VERSION)']);
  return `${rpm.stdout.trim()}, dnf ${dnf.stdout.trim()}`;
}
