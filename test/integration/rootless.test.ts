import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeHeader } from '../../src/archive/tar-encode.ts';
import { openCli } from '../support/cli.ts';
import { openOrdinaryUser } from '../support/ordinary-user.ts';

const RECIPE = `apiVersion: heraklit/v1
kind: Image
name: base
distribution: debian/bookworm
packages: [apt, iputils-ping, mount]
`;
/** What a command says of the image it made. */
const digestIn = (text: string): string | undefined => /@(sha256:[0-9a-f]{64})/.exec(text)?.[1];

test('an ordinary user composes and patches a Debian, scripts and all, to the digests that root gives', async (context) => {
  const user = openOrdinaryUser(context);
  if (user === undefined) return;
  const cli = await openCli(context);
  chmodSync(cli.root, 0o755);
  writeFileSync(join(cli.root, 'base.yaml'), RECIPE);
  const built = await cli.run(['build', 'base.yaml', '--pocket', 'release', '-o', `oci:${cli.root}/out:base`]);
  if (/FEED_|MIRROR/.test(built.stderr)) return context.skip('no Debian mirror');
  assert.equal(built.code, 0, built.stderr);
  // All but what the scripts did, so that nothing is left but to run them, and the user's very own.
  const state = join(user.home, 'state');
  const folder = join(user.home, 'work');
  for (const name of ['home', 'base.yaml', 'base.yaml.lock', 'out'])
    cpSync(join(cli.root, name), join(name === 'home' ? state : folder, name === 'home' ? '' : name), {
      recursive: true,
    });
  rmSync(join(state, 'cache', 'compose'), { recursive: true });
  const { uid, gid } = statSync(user.home);
  assert.equal(spawnSync('chown', ['-R', `${uid}:${gid}`, user.home]).status, 0);
  const heraklit = (...argv: string[]) => user.node(['bin/heraklit.js', '--home', state, ...argv]);
  const recipe = [`${folder}/base.yaml`, '--locked', '--offline', '--verbose'];
  const theirs = await heraklit('build', ...recipe, '-o', `oci:${folder}/out:theirs`);
  assert.equal(theirs.code, 0, theirs.output);
  assert.match(theirs.output, /user namespace of 65537 ids/);
  assert.match(theirs.output, /Setting up apt/);
  assert.equal(digestIn(theirs.output), digestIn(built.stdout));
  const patched = await cli.run(['patch', `oci:${cli.root}/out:base`, '-o', `oci:${cli.root}/out:patched`]);
  assert.equal(patched.code, 0, patched.stderr);
  const upgraded = await heraklit('patch', `oci:${folder}/out:theirs`, '-o', `oci:${folder}/out:patched`);
  assert.equal(upgraded.code, 0, upgraded.output);
  assert.equal(digestIn(upgraded.output), digestIn(patched.stdout));
});

test('the sandbox holds an ordinary user’s commands as it holds root’s', async (context) => {
  const user = openOrdinaryUser(context);
  if (user === undefined) return;
  // The whole suite once more, as the user: escapes, bombs, hogs, fillers, kills.
  const script = `(await import('./src/runtime/sandbox/index.ts')).enterUserNamespace('any');
    await import('./src/runtime/sandbox/sandbox.test.ts');`;
  const { code, output } = await user.node(['--input-type=module', '--eval', script]);
  assert.equal(code, 0, output);
  assert.match(output, /^(?:#|ℹ) skipped 0$/m);
});

test('without subordinate ids, a sandbox holds what belongs to one user, and other owners are refused with a hint', async (context) => {
  const user = openOrdinaryUser(context, 0);
  if (user === undefined) return;
  const tar = (uid: number): string => {
    const header = { path: 'made', type: 'file', mode: 0o644, uid, gid: uid, size: 0, mtime: 1 } as const;
    return Buffer.concat([encodeHeader(header), Buffer.alloc(1024)]).toString('base64');
  };
  const script = `
    const { extractTarBuffer } = await import('./src/archive/index.ts');
    const { createSandbox, enterUserNamespace } = await import('./src/runtime/sandbox/index.ts');
    enterUserNamespace('any');
    const sandbox = await createSandbox({ mountPoint: process.env.HOME });
    const folder = await sandbox.directory('own');
    extractTarBuffer(Buffer.from('${tar(0)}', 'base64'), folder);
    await sandbox.mount(['own', '/usr']);
    console.log(String((await sandbox.run(['/bin/ls', '-n', '/made'])).stdout));
    try { extractTarBuffer(Buffer.from('${tar(8)}', 'base64'), folder); } catch (error) { console.log(error.code, error.hint); }
    await sandbox.close();`;
  const { code, output } = await user.node(['--input-type=module', '--eval', script]);
  assert.equal(code, 0, output);
  assert.match(output, / 0 0 .*made[\s\S]*ARCHIVE_OWNER_UNMAPPED .*usermod --add-subuids/);
});
