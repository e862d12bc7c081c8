import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { assertRefused, type Cli, openCli } from '../support/cli.ts';
import { buildMirror, createSigner, type TestPackage, writeMirror } from '../support/debian-mirror.ts';
import { isMissing } from '../support/engine-tools.ts';
import { openPodman } from '../support/podman.ts';
import { startRegistry } from './registry-process.ts';

const execute = promisify(execFile);
const signer = await createSigner();

function pkg(name: string, architecture: string, depends = ''): TestPackage {
  const control = { Package: name, Version: '1', Architecture: architecture, Maintainer: 'x <x@example.org>' };
  return {
    control: depends === '' ? control : { ...control, Depends: depends },
    files: { [`usr/bin/${name}`]: `${name} for ${architecture}` },
  };
}

const PACKAGES = [pkg('tool', 'amd64', 'data'), pkg('tool', 'arm64', 'data'), pkg('data', 'all'), pkg('only', 'amd64')];
const mirror = await buildMirror(
  // Every pocket has an index for both.
  ['trixie', 'trixie-updates', 'trixie-security'].map((suite) => ({
    suite,
    packages: suite === 'trixie' ? PACKAGES : [pkg('x', 'amd64'), pkg('x', 'arm64')],
  })),
  signer.sign,
  Date.now(),
);

const HEAD = 'apiVersion: heraklit/v1\nkind: Image\nname: image\ndistribution: debian/trixie\n';

async function open(context: TestContext): Promise<{ cli: Cli; source: readonly string[] }> {
  const cli = await openCli(context);
  await writeFile(join(cli.root, 'key.asc'), signer.armored);
  await writeMirror(mirror, join(cli.root, 'mirror'));
  return { cli, source: ['--mirror', `file://${cli.root}/mirror/debian`, '--keyring', 'key.asc'] };
}

interface IndexFile {
  readonly mediaType: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly manifests: readonly { readonly digest: string; readonly platform: Readonly<Record<string, string>> }[];
}

test('several platforms: one index with an image for each, that skopeo copies whole', async (context) => {
  if (spawnSync('skopeo', ['--version']).status !== 0) return context.skip('skopeo not installed');
  const { cli, source } = await open(context);
  const recipe = `${HEAD}scripts: none\npackages: [tool]\nplatforms: [linux/amd64, linux/arm64]\n`;
  await writeFile(join(cli.root, 'image.yaml'), recipe);
  const built = await cli.run(['build', 'image.yaml', '-o', 'oci:out:multi', '--format', 'json', ...source]);
  assert.equal(built.code, 0, built.stderr);
  const { digest, platforms } = JSON.parse(built.stdout);
  const index: IndexFile = JSON.parse(await readFile(join(cli.root, 'out/blobs/sha256', digest.slice(7)), 'utf8'));
  assert.equal(index.mediaType, 'application/vnd.oci.image.index.v1+json');
  assert.deepEqual(
    index.manifests.map(({ platform }) => platform),
    [
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm64', variant: 'v8' },
    ],
  );
  assert.equal(index.annotations['org.opencontainers.image.title'], 'image');
  assert.equal(index.annotations['io.heraklit.lock'], undefined, 'locks differ');
  assert.deepEqual(
    platforms.map(({ platform, digest: own }: Record<string, string>) => [platform, own]),
    index.manifests.map((item, at) => [['linux/amd64', 'linux/arm64/v8'][at], item.digest]),
  );
  const lock = await readFile(join(cli.root, 'image.yaml.lock'), 'utf8');
  assert.deepEqual(lock.match(/^architecture: .*$/gm), ['architecture: amd64', 'architecture: arm64']);

  const policy = join(cli.root, 'policy.json');
  await writeFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  const registry = await startRegistry();
  context.after(() => registry.close());
  const target = `${registry.host}/fleet/image:1`;
  for (const output of ['oci-archive:image.tar:multi', target]) {
    const again = await cli.run(['build', 'image.yaml', '-o', output, '--locked', '--offline']);
    assert.equal(again.code, 0, again.stderr);
    assert.match(again.stdout, new RegExp(`@${digest}\n$`));
  }
  for (const from of ['oci:out:multi', 'oci-archive:image.tar:multi', `docker://${target}`]) {
    await mkdir(join(cli.root, 'copy'), { recursive: true });
    const to = `dir:${join(cli.root, 'copy')}`;
    // Not synchronously: the registry lives in this process.
    await execute('skopeo', ['--policy', policy, 'copy', '--all', '--src-tls-verify=false', from, to], {
      cwd: cli.root,
    });
    const manifest = readFileSync(join(cli.root, 'copy', 'manifest.json'));
    assert.equal(manifest.toString(), JSON.stringify(index), from);
  }
  const docker = await cli.run(['build', 'image.yaml', '-o', 'docker-archive:x.tar:1', '--locked', '--offline']);
  assertRefused(docker, { code: 'TRANSPORT_NOT_AN_IMAGE', exit: 2, says: ['several platforms'] });
  const one = await cli.run(['build', 'image.yaml', '-o', 'oci:one:x', '--arch', 'arm64', '--locked', '--offline']);
  assert.equal(one.code, 0, one.stderr);
  assert.ok(one.stdout.includes(index.manifests[1]?.digest ?? '?'));
});

test('a platform that cannot be built here is told with its reason, and nothing is saved', async (context) => {
  const { cli, source } = await open(context);
  const build = async (recipe: string) => {
    await writeFile(join(cli.root, 'image.yaml'), HEAD + recipe);
    return cli.run(['build', 'image.yaml', '-o', 'oci:out:multi', ...source]);
  };
  const foreign = process.arch === 'x64' ? 's390x' : 'amd64';
  const lacking = `scripts: none\npackages: [only]\nplatforms: [linux/amd64, linux/${foreign}]\n`;
  const expected = { code: 'RECIPE_PLATFORMS_INCOMPLETE', says: [foreign] };
  if (foreign === 's390x') assertRefused(await build(lacking), { ...expected, says: ['no index for component main'] });
  const unknown = 'scripts: none\npackages: [only]\nplatforms: [linux/amd64, linux/vax]\n';
  assertRefused(await build(unknown), { code: 'COMPOSE_PLATFORM', exit: 2, says: ['linux/vax', 'linux/s390x'] });
  assert.equal(await readFile(join(cli.root, 'out', 'index.json'), 'utf8').catch(() => 'nothing'), 'nothing');
});

test('checks: an image that is not as its recipe says is not saved, and the output says why', async (context) => {
  if (openPodman(context) === undefined) return;
  const { cli, source } = await open(context);
  const shell = spawnSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).stdout.trim();
  if (shell === '') return context.skip('busybox not installed');
  await writeFile(join(cli.root, 'busybox'), readFileSync(shell), { mode: 0o755 });
  const files =
    'files: [{ path: /bin/busybox, source: busybox, mode: "0755" }, { path: /etc/x, content: x, uid: 7 }]\n';
  const recipe = `${HEAD}scripts: none\n${files}`;
  const build = async (checks: string) => {
    await writeFile(join(cli.root, 'image.yaml'), `${recipe}config: { env: { WORD: hello } }\nchecks:\n${checks}`);
    return cli.run(['build', 'image.yaml', '-o', 'oci:out:image', ...source]);
  };
  const run = (script: string, more = ''): string => `  - { run: [/bin/busybox, sh, -c, "${script}"]${more} }\n`;
  const good = `${run('echo $WORD; echo bad >&2; exit 3', ', exit: 3, stdout: "^hello$", stderr: bad')}  - { file: /etc/x, mode: "0644", uid: 7 }\n  - { file: /etc/y, exists: false }\n`;
  const bad = await build(`${good}${run('echo what it says; exit 4')}  - { file: /etc/x, mode: "0600" }\n`);
  assertRefused(bad, {
    code: 'COMPOSE_CHECK_FAILED',
    says: ['fails 2 checks', 'exit code 4, expected 0', 'what it says', '/etc/x: its mode is 0644, expected 0600'],
  });
  assert.equal(await readFile(join(cli.root, 'out', 'index.json'), 'utf8').catch(() => 'nothing'), 'nothing');
  const wild = await build(run('while :; do :; done', ', timeout: 1'));
  assertRefused(wild, { code: 'COMPOSE_CHECK_FAILED', says: ['longer than 1000 ms'] });
  const fine = await build(good);
  assert.equal(fine.code, 0, fine.stderr);
});

test('a Dockerfile for several platforms: what is copied is built for all of them, what cannot run here is named', async (context) => {
  if (isMissing(context, 'buildah', 'runc', 'unshare')) return;
  if (process.getuid?.() !== 0) return context.skip('needs root: Buildah in namespaces of its own');
  const { cli, source } = await open(context);
  const recipe = `${HEAD}scripts: none\npackages: [tool]\nplatforms: [linux/amd64, linux/arm64]\n`;
  await writeFile(join(cli.root, 'image.yaml'), recipe);
  assert.equal((await cli.run(['build', 'image.yaml', '-o', 'oci:base:multi', ...source])).code, 0);
  await mkdir(join(cli.root, 'app'));
  await writeFile(join(cli.root, 'app/word'), 'word');
  const dockerfile = 'FROM oci:../base:multi\nCOPY word /word\n';
  await writeFile(join(cli.root, 'app/Dockerfile'), dockerfile);
  const both = ['--platform', 'linux/amd64,linux/arm64', '--format', 'json'];
  const built = await cli.run(['build', 'app', '-o', 'oci:out:app', ...both]);
  assert.equal(built.code, 0, built.stderr);
  const { digest, platforms, missing } = JSON.parse(built.stdout);
  assert.deepEqual(missing, []);
  assert.deepEqual(
    platforms.map(({ platform }: { platform: string }) => platform),
    ['linux/amd64', 'linux/arm64'],
  );
  const blob = async (name: string, folder = 'out') =>
    JSON.parse(await readFile(join(cli.root, folder, 'blobs/sha256', name.slice(7)), 'utf8'));
  const index: IndexFile = await blob(digest);
  assert.deepEqual(
    index.manifests.map(({ platform }) => platform.architecture),
    ['amd64', 'arm64'],
  );
  for (const { digest: manifest, platform } of index.manifests) {
    const { config, layers } = await blob(manifest);
    assert.equal((await blob(config.digest)).architecture, platform.architecture);
    assert.ok(layers.length > 1);
  }
  assert.match(await readFile(join(cli.root, 'app/Dockerfile.lock'), 'utf8'), /linux\/amd64.*linux\/arm64/s);

  if (await isEmulated()) return context.diagnostic('an emulator is registered here: nothing is foreign');
  const [foreign, machine] = process.arch === 'arm64' ? ['linux/amd64', 62] : ['linux/arm64', 183];
  // A program's head (elf(5)): a kernel looks no further where the processor is another.
  const program = Buffer.alloc(120);
  program.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  program.writeUInt16LE(2, 16);
  program.writeUInt16LE(machine, 18);
  await writeFile(join(cli.root, 'app/tool'), program, { mode: 0o755 });
  await writeFile(join(cli.root, 'app/Dockerfile'), 'FROM scratch\nCOPY tool /tool\nRUN ["/tool"]\n');
  const refused = await cli.run(['build', 'app', '-o', 'oci:out:refused', '--platform', foreign]);
  assertRefused(refused, { code: 'DOCKERFILE_PLATFORMS_MISSING', exit: 3, says: [foreign] });
});

/** Whether the kernel hands programs of other processors to an emulator. */
async function isEmulated(): Promise<boolean> {
  const entries = await readdir('/proc/sys/fs/binfmt_misc').catch(() => []);
  return entries.some((name) => name.startsWith('qemu-'));
}
