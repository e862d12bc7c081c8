/**
 * Runs programs as an ordinary user with subordinate ids, on a machine that has neither that user nor those ids: they
 * stand in files that a mount namespace of the command's own shows in place of the machine's.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
const ID = 54_321;
const FIRST_SUBORDINATE = 0x6000_0000;

export interface UserResult {
  readonly code: number | null;
  readonly output: string;
}

export interface OrdinaryUser {
  /** A folder of the user's. */
  readonly home: string;
  /** Node, in the checkout, with these arguments; paths in them relative to the checkout. */
  node(argv: readonly string[], environment?: Readonly<Record<string, string>>): Promise<UserResult>;
}

/** @param subordinate how many ids; 0: the user stands in no file */
export function openOrdinaryUser(context: TestContext, subordinate = 65_536): OrdinaryUser | undefined {
  if (process.getuid?.() !== 0 || spawnSync('unshare', ['--mount', 'true']).status !== 0) {
    context.skip('root not installed');
    return undefined;
  }
  if (spawnSync('newuidmap', { stdio: 'ignore' }).error !== undefined) {
    context.skip('uidmap not installed');
    return undefined;
  }
  const root = mkdtempSync(join(tmpdir(), 'ordinary-user-'));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  chmodSync(root, 0o755);
  const home = join(root, 'home');
  mkdirSync(home);
  chownSync(home, ID, ID);
  // The checkout and its Node may lie where only root can look.
  for (const name of ['checkout', 'modules']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'node'), '');
  const own = subordinate === 0 ? '' : `ordinary:${FIRST_SUBORDINATE}:${subordinate}\n`;
  for (const name of ['subuid', 'subgid']) writeFileSync(join(root, name), own);
  const accounts = `${readFileSync('/etc/passwd', 'utf8')}ordinary:x:${ID}:${ID}::${home}:/bin/sh\n`;
  writeFileSync(join(root, 'passwd'), accounts);
  const binds = [
    ...['passwd', 'subuid', 'subgid'].map((name) => [join(root, name), `/etc/${name}`]),
    [CHECKOUT, join(root, 'checkout')],
    [join(CHECKOUT, 'node_modules'), join(root, 'checkout', 'node_modules')],
    [process.execPath, join(root, 'node')],
  ];
  const script = `while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 99; shift 2; done; shift
    cd "$0" && exec setpriv --reuid ${ID} --regid ${ID} --clear-groups -- "$@"`;
  const prefix = ['--mount', 'sh', '-c', script, join(root, 'checkout'), ...binds.flat(), '--', join(root, 'node')];
  return {
    home,
    node: (argv, environment = {}) =>
      new Promise((resolve, reject) => {
        const kept = Object.entries(process.env).filter(([name]) => !/^(?:NODE_|HERAKLIT_(?!MIRROR))/.test(name));
        const child = spawn('unshare', [...prefix, ...argv], {
          env: { ...Object.fromEntries(kept), HOME: home, USER: 'ordinary', NO_COLOR: '1', ...environment },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let output = '';
        for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
        child.on('error', reject);
        child.on('close', (code) => resolve({ code, output }));
      }),
  };
}
