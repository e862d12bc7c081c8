import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { type ImageContents, inspectImage } from '../../src/inventory/index.ts';
import { digestOf, MediaType, type ResolvedImage } from '../../src/oci/index.ts';
import { BOUNDED, isRegistryOut } from '../support/npm-registry.ts';
import { hasRpmTools, RpmWorld } from '../support/rpm-world.ts';

const folder = await mkdtemp(join(tmpdir(), 'heraklit-language-oracle-'));
after(() => rm(folder, { recursive: true, force: true }));

const execute = promisify(execFile);
async function run(command: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
  return (await execute(command, args, { env, maxBuffer: 64 * 1024 * 1024 })).stdout;
}

const has = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined;

/** The folder as an image of one layer, so that what streams by is compared with what lies on disk. */
async function imageOf(root: string): Promise<ResolvedImage> {
  const file = `${root}.tar`;
  await run('tar', ['-C', root, '-cf', file, '.']);
  const tar = await readFile(file);
  const layer = { mediaType: MediaType.layer, digest: digestOf(tar), size: tar.length };
  const config = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers' as const, diff_ids: [layer.digest] } };
  const configBytes = Buffer.from(JSON.stringify(config));
  const manifest = {
    schemaVersion: 2 as const,
    mediaType: MediaType.manifest,
    config: { mediaType: MediaType.config, digest: digestOf(configBytes), size: configBytes.length },
    layers: [layer],
  };
  const manifestBytes = Buffer.from(JSON.stringify(manifest));
  return {
    digest: digestOf(manifestBytes),
    mediaType: MediaType.manifest,
    manifestBytes,
    manifest,
    config,
    blobs: {
      open: async () =>
        Readable.from(
          (function* () {
            for (let at = 0; at < tar.length; at += 100_000) yield tar.subarray(at, at + 100_000);
          })(),
        ),
    },
  };
}

/** What is found in a root is the same on disk and in a layer. */
async function inspectBoth(root: string): Promise<ImageContents> {
  const onDisk = await inspectImage({ kind: 'dir', root });
  const inLayer = await inspectImage(await imageOf(root));
  const plain = ({ languagePackages }: ImageContents) =>
    languagePackages.map((item) => ({ ...item, locations: item.locations.map(({ path }) => path) }));
  assert.deepEqual(plain(inLayer), plain(onDisk));
  return inLayer;
}

interface Tree {
  readonly version?: string;
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, Tree>>;
}

/** `name@version` of every package in what `npm ls --json --long` prints. */
function listed(tree: Tree): Set<string> {
  const found = new Set<string>();
  const pending = Object.values(tree.dependencies ?? {});
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.version !== undefined) found.add(`${next.name}@${next.version}`);
    pending.push(...Object.values(next.dependencies ?? {}));
  }
  return found;
}

test('npm: exactly what `npm ls` lists, marked for development as it says', async (context) => {
  if (!has('npm')) return context.skip('npm not installed');
  const root = join(folder, 'npm');
  const app = join(root, 'srv/app');
  await mkdir(app, { recursive: true });
  const project = {
    name: 'demo',
    version: '1.2.3',
    dependencies: { express: '4.18.2', alias: 'npm:semver@5.7.1', '@sindresorhus/is': '4.0.0' },
    devDependencies: { mkdirp: '0.5.6', send: '0.17.2' },
  };
  await writeFile(join(app, 'package.json'), JSON.stringify(project));
  try {
    await run('npm', ['--prefix', app, 'install', '--ignore-scripts', '--no-audit', '--no-fund', ...BOUNDED]);
  } catch (error) {
    if (!isRegistryOut(error)) throw error;
    return context.skip(`no npm registry: ${String(error).slice(0, 200)}`);
  }
  const ls = async (...more: readonly string[]): Promise<Set<string>> =>
    listed(JSON.parse(await run('npm', ['--prefix', app, 'ls', '--all', '--json', '--long', ...more])));
  const all = await ls();
  const needed = await ls('--omit=dev');
  assert.ok(all.size > 60 && needed.size < all.size);
  const contents = await inspectBoth(root);
  const modules = contents.languagePackages.filter((item) =>
    item.locations.some(({ path }) => /\/node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/.test(path)),
  );
  const text = (item: { name: string; version: string }): string => `${item.name}@${item.version}`;
  assert.deepEqual(modules.map(text).sort(), [...all].sort());
  assert.deepEqual(
    modules
      .filter((item) => !item.dev)
      .map(text)
      .sort(),
    [...needed].sort(),
  );
  assert.ok(contents.languagePackages.every((item) => item.state === 'installed'));

  // The lock file alone declares the same.
  const lockOnly = join(folder, 'npm-lock');
  await mkdir(lockOnly);
  await writeFile(join(lockOnly, 'package-lock.json'), await readFile(join(app, 'package-lock.json')));
  const declared = (await inspectImage({ kind: 'dir', root: lockOnly })).languagePackages;
  assert.deepEqual(declared.map(text).sort(), [...all].sort());
  assert.ok(declared.every((item) => item.state === 'declared'));
});

/** Unpacks packages of the distribution into a root of their own; undefined (and a skip) where they cannot be had. */
async function debianRoot(
  context: TestContext,
  name: string,
  packages: readonly string[],
): Promise<string | undefined> {
  if (!has('apt-get') || process.getuid?.() !== 0) {
    context.skip('apt-get not installed, or not root');
    return undefined;
  }
  const root = join(folder, name);
  const debs = join(folder, `${name}-debs`);
  for (const path of [debs, join(root, 'var/lib/dpkg/info'), join(root, 'var/lib/dpkg/updates')]) {
    await mkdir(path, { recursive: true });
  }
  await writeFile(join(root, 'var/lib/dpkg/status'), '');
  try {
    await run('sh', ['-c', 'cd "$1" && shift && apt-get download -qq "$@"', 'sh', debs, ...packages]);
  } catch (error) {
    context.skip(`no Debian mirror: ${String(error).slice(0, 200)}`);
    return undefined;
  }
  const files = (await readdir(debs)).map((file) => join(debs, file));
  await run('dpkg', [`--root=${root}`, '--force-all', '--no-triggers', '--unpack', ...files]);
  return root;
}

test('Debian: packages of languages belong to the packages that dpkg says own their files', async (context) => {
  const packages = ['python3-requests', 'python3-idna', 'node-abbrev', 'node-semver', 'ruby-rack', 'ruby-mustermann'];
  const root = await debianRoot(context, 'debian', [...packages, 'r-cran-jsonlite']);
  if (root === undefined) return;
  const contents = await inspectBoth(root);
  const owners = new Set<string>();
  for (const item of contents.languagePackages) {
    for (const { path } of item.locations) {
      const answer = await run('dpkg-query', [`--admindir=${root}/var/lib/dpkg`, '-S', `/${path}`]);
      assert.equal(item.owner, answer.split(':')[0], path);
    }
    owners.add(item.owner ?? '');
  }
  assert.deepEqual([...owners].sort(), [...packages, 'r-cran-jsonlite'].sort());
  const upstream = new Map(contents.packages.map((item) => [item.name, item.version.replace(/^\d+:|[-+~].*$/g, '')]));
  for (const [ecosystem, name, owner] of [
    ['pypi', 'requests', 'python3-requests'],
    ['gem', 'rack', 'ruby-rack'],
    ['cran', 'jsonlite', 'r-cran-jsonlite'],
  ] as const) {
    const item = contents.languagePackages.find((one) => one.ecosystem === ecosystem && one.name === name);
    assert.equal(item?.version, upstream.get(owner)?.replace(/\+.*$/, ''), name);
  }
});

test('rpm: packages of languages belong to the packages that rpm says own their files', async (context) => {
  if (!hasRpmTools('rpm', 'rpmbuild')) return context.skip('rpm not installed');
  const world = await RpmWorld.create();
  context.after(() => world.remove());
  const path = '/usr/lib/python3.12/site-packages/a-1.0.dist-info/METADATA';
  const files = { [path]: 'Name: a\nVersion: 1.0\n', '/usr/share/other': 'x' };
  const built = await world.build([{ name: 'python3-a', evr: '1.0-1', files }]);
  await world.rpm('root', '-i', ...built);
  await world.write('root', 'srv/b.egg-info', 'Name: b\nVersion: 2.0\n');
  const root = join(world.folder, 'root');
  const contents = await inspectBoth(root);
  assert.equal((await world.rpm('root', '-qf', '--queryformat', '%{NAME}', path)).trim(), 'python3-a');
  assert.deepEqual(
    contents.languagePackages.map((item) => [item.name, item.owner]),
    [
      ['a', 'python3-a'],
      ['b', undefined],
    ],
  );
});

test('Python: exactly what pip lists, and the wheels it came in', async (context) => {
  if (!has('python3')) return context.skip('python3 not installed');
  const root = await debianRoot(context, 'wheels', ['python3-pip-whl', 'python3-setuptools-whl']);
  if (root === undefined) return;
  const folderOfWheels = join(root, 'usr/share/python-wheels');
  const wheels = (await readdir(folderOfWheels))
    .filter((name) => name.endsWith('.whl'))
    .map((name) => join(folderOfWheels, name));
  const pip = wheels.find((name) => name.includes('/pip-')) as string;
  const target = join(root, 'srv/site');
  const options = ['--quiet', '--no-index', '--no-deps', '--no-compile', '--disable-pip-version-check'];
  await run('python3', [`${pip}/pip`, 'install', ...options, '--target', target, ...wheels]);
  const answer = await run('python3', [`${pip}/pip`, 'list', '--path', target, '--format', 'json']);
  const expected = (JSON.parse(answer) as { name: string; version: string }[]).map(
    (item) => `${item.name} ${item.version}`,
  );
  const contents = await inspectBoth(root);
  const installed = contents.languagePackages.filter(({ locations }) =>
    locations.some(({ path }) => /^srv\/site\/[^/]+\.dist-info\/METADATA$/.test(path)),
  );
  assert.deepEqual(installed.map((item) => `${item.name} ${item.version}`).sort(), expected.sort());
  const named = contents.languagePackages.filter((item) => item.locations.some(({ evidence }) => evidence === 'wheel'));
  assert.deepEqual(named.map((item) => `${item.name} ${item.version}`).sort(), expected);
  assert.deepEqual([...new Set(named.map((item) => item.owner))].sort(), ['python3-pip-whl', 'python3-setuptools-whl']);
});
