import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { messageOf, writeFileAtomic } from '../../base/index.ts';
import type { CliContext } from '../context.ts';
import { cliError } from '../errors.ts';

interface LoginOptions {
  readonly print?: boolean;
  readonly authfile?: string;
}

const HELP = `
Shows a code to type in at the server's identity provider, waits, and stores name and secret where podman, buildah, skopeo
and this command line look for them. The secret lives 30 days; heraklit account list shows it as "device".
People with a password and robots use podman login.

Examples:
  heraklit login https://registry.example.org
  heraklit login https://registry.example.org --print | docker login -u alice --password-stdin registry.example.org
`;

export function register(command: Command, context: CliContext): void {
  command
    .argument('<url>', 'https://HOST[:PORT] of the server')
    .option('--print', 'print the secret and store nothing')
    .option('--authfile <file>', 'credential file (default: $REGISTRY_AUTH_FILE or podman’s)')
    .addHelpText('after', HELP)
    .action((url: string, options: LoginOptions) => login(url, options, context));
}

interface Code {
  readonly device: string;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete?: string;
  readonly expiresIn: number;
  readonly interval: number;
}

interface Secret {
  readonly name: string;
  readonly secret: string;
}

async function login(text: string, options: LoginOptions, context: CliContext): Promise<void> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const loopback = url !== undefined && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url === undefined || !(url.protocol === 'https:' || (url.protocol === 'http:' && loopback))) {
    throw cliError('CLI_USAGE', `login takes https://HOST[:PORT], not ${JSON.stringify(text)}`);
  }
  const { createRemoteSignIn } = await import('../../http/index.ts');
  const remote = createRemoteSignIn(url, context.signal);
  const code: Code = await remote.begin();
  context.settle();
  process.stderr.write(`Open ${code.verificationUriComplete ?? code.verificationUri} and type in ${code.userCode}\n`);
  const secret = await waitFor(code, () => remote.poll(code.device), context.signal);
  if (options.print === true) return context.print(secret.secret);
  const { authFiles } = await import('../../registry/index.ts');
  const file = options.authfile ?? authFiles(process.env)[0];
  if (file === undefined) throw cliError('CLI_USAGE', 'no credential file is known: name one with --authfile');
  await store(file, url.host, secret);
  process.stderr.write(`signed in as ${secret.name}; stored in ${file}\n`);
}

async function waitFor(code: Code, poll: () => Promise<Secret | undefined>, signal: AbortSignal): Promise<Secret> {
  const until = Date.now() + code.expiresIn * 1_000;
  while (Date.now() < until) {
    await sleep(Math.max(1, code.interval) * 1_000, undefined, { signal });
    const secret = await poll();
    if (secret !== undefined) return secret;
  }
  throw cliError('CLI_USAGE', 'nobody typed the code in', { hint: 'Run the command again for a new code.' });
}

/** Adds to containers-auth.json(5); what else the file holds stays. */
async function store(file: string, host: string, { name, secret }: Secret): Promise<void> {
  let content: { auths?: Record<string, unknown> } = {};
  try {
    content = JSON.parse(await readFile(file, 'utf8')) as typeof content;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw cliError('CLI_USAGE', `${file} is not a file of credentials`, {
        cause: error instanceof SyntaxError ? undefined : messageOf(error),
      });
    }
  }
  const auth = Buffer.from(`${name}:${secret}`).toString('base64');
  const merged = { ...content, auths: { ...content.auths, [host]: { auth } } };
  await writeFileAtomic(file, `${JSON.stringify(merged, undefined, 2)}\n`, 0o600);
}
