import { text } from 'node:stream/consumers';
import { cliError } from './errors.ts';

/** Bytes of a password on stdin. */
const MAX_INPUT = 4_096;

/**
 * A password from stdin, never from the command line, which everybody on the machine can read. On a terminal it is
 * asked for, twice, and not shown.
 */
export async function readPassword(what: string): Promise<string> {
  const { stdin } = process;
  if (stdin.isTTY !== true) {
    const input = await text(stdin);
    if (input.length > MAX_INPUT) throw cliError('CLI_USAGE', `stdin has more than ${MAX_INPUT} characters`);
    return input.replace(/\r?\n$/, '');
  }
  const first = await ask(`${what}: `);
  if (first === (await ask('again: '))) return first;
  throw cliError('CLI_USAGE', 'the two passwords differ', { hint: 'Nothing was changed; try again.' });
}

/** Raw mode, so that nothing of it is echoed. */
function ask(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  return new Promise((resolve, reject) => {
    let typed = '';
    const finish = (): void => {
      stdin.setRawMode(false);
      stdin.pause();
      stdin.off('data', take);
      stderr.write('\n');
    };
    const take = (chunk: Buffer): void => {
      for (const character of chunk.toString('utf8')) {
        if (character === '\r' || character === '\n') {
          finish();
          resolve(typed);
          return;
        }
        if (character === '\u0003' || character === '\u0004') {
          finish();
          reject(cliError('CLI_INTERRUPTED', 'no password was given'));
          return;
        }
        typed = character === '\u007f' ? [...typed].slice(0, -1).join('') : typed + character;
      }
    };
    stderr.write(prompt);
    stdin.setRawMode(true);
    stdin.resume();
    stdin.on('data', take);
  });
}
