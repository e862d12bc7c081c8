/** Wrong, broken and hostile input through the real command line: one coded error, and nothing else has changed. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assertRefused, type Cli, checkBlobs, type Ended, type Expected, filesBelow, openCli } from '../support/cli.ts';
import {
  buildMirror,
  createSigner,
  type Paths,
  serveMirror,
  type TestPackage,
  writeMirror,
} from '../support/debian-mirror.ts';

const NOW = Date.now();
const DAY = 86_400_000;
const IN_RELEASE = 'debian/dists/trixie/InRelease';
const signer = await createSigner();

function pkg(name: string, more: Readonly<Record<string, string>> = {}, rest: Partial<TestPackage> = {}): TestPackage {
  const control = {
    Package: name,
    Version: '1.0-1',
    Architecture: 'amd64',
    Maintainer: 'T <t@example.org>',
    Description: name,
  };
  return { control: { ...control, ...more }, files: { [`usr/share/${name}/data`]: name.repeat(2_000) }, ...rest };
}

const PACKAGES: readonly TestPackage[] = [
  pkg('hello', { Depends: 'libgreet (>= 1.0)' }),
  pkg('libgreet'),
  pkg('needy', { Depends: 'middle' }),
  pkg('middle', { Depends: 'libabsent (>= 2)' }),
  pkg('clash', { Depends: 'left, right' }),
  pkg('left', { Conflicts: 'right' }),
  pkg('right'),
  pkg('cut', {}, { damage: (deb) => deb.subarray(0, deb.length - 100) }),
  pkg('escape', {}, { files: { '../../escaped': 'x' } }),
];

const paths = (release: Readonly<Record<string, string>> = {}, now = NOW): Promise<Paths> =>
  buildMirror(
    [
      { suite: 'trixie', packages: PACKAGES, release },
      { suite: 'trixie-updates', packages: [], release },
      { suite: 'trixie-security', packages: [], release },
    ],
    signer.sign,
    now,
  );
const good = await paths();

interface Bench extends Cli {
  readonly mirror: string;
  recipe(name: string, packages: string, more?: string): Promise<string>;
  /** Builds from the good mirror unless the arguments say otherwise. */
  build(recipe: string, mirror?: string, ...more: readonly string[]): Promise<Ended>;
  /** The command is refused, leaves nothing half-written anywhere, and the next good one works. */
  refuses(ended: Ended, expected: Expected): Promise<void>;
}

async function openBench(context: TestContext): Promise<Bench> {
  const cli = await openCli(context);
  const folder = join(cli.root, 'mirror');
  await writeMirror(good, folder);
  await writeFile(join(cli.root, 'key.asc'), signer.armored);
  const recipe = async (name: string, packages: string, more = ''): Promise<string> => {
    const head = 'apiVersion: heraklit/v1\nkind: Image\ndistribution: debian/trixie\nscripts: none\n';
    await writeFile(join(cli.root, `${name}.yaml`), `${head}name: ${name}\npackages: [${packages}]\n${more}`);
    return `${name}.yaml`;
  };
  const mirror = `file://${folder}/debian`;
  const build = (file: string, from = mirror, ...more: readonly string[]): Promise<Ended> =>
    cli.run(['build', file, '-o', 'oci:out:image', '--mirror', from, '--keyring', 'key.asc', ...more]);
  return {
    ...cli,
    mirror,
    recipe,
    build,
    refuses: async (ended, expected) => {
      assertRefused(ended, expected);
      assert.deepEqual(await filesBelow(join(cli.root, 'out')), [], 'nothing in the output folder');
      const locks = (await filesBelow(cli.root)).filter((path) => /\.lock$|\.partial$/.test(path));
      assert.deepEqual(locks, [], 'no lock of a build that failed');
      await cli.checkHome();
      await worksAfter(cli, await recipe('good-after', 'hello'), mirror);
      await rm(join(cli.root, 'good-after.yaml.lock'));
    },
  };
}

async function worksAfter(cli: Cli, recipe: string, mirror: string): Promise<void> {
  const after = await cli.run(['build', recipe, '-o', 'oci:after:image', '--mirror', mirror, '--keyring', 'key.asc']);
  assert.equal(after.code, 0, after.stderr);
  assert.match(after.stdout, /2 packages/);
  await checkBlobs(join(cli.root, 'after'));
  const scan = await cli.run(['scan', 'oci:after:image', '--format', 'json']);
  assert.deepEqual(
    JSON.parse(scan.stdout).packages.map((item: { name: string }) => item.name),
    ['hello', 'libgreet'],
  );
}

/** A mirror with some of its files replaced, in a folder of the bench. */
async function changedMirror(
  bench: Bench,
  name: string,
  changes: Readonly<Record<string, Buffer | string>>,
): Promise<string> {
  const changed = new Map(good);
  for (const [path, content] of Object.entries(changes)) changed.set(path, Buffer.from(content));
  await writeMirror(changed, join(bench.root, name));
  return `file://${bench.root}/${name}/debian`;
}

test('a wrong recipe key: file, line and the nearest key', async (context) => {
  const bench = await openBench(context);
  const file = await bench.recipe('wrong', 'hello', 'confg: {}\n');
  const says = ['wrong.yaml:7:1', '"confg"', 'did you mean "config"?'];
  await bench.refuses(await bench.build(file), { code: 'RECIPE_INVALID', exit: 2, says });
  await writeFile(join(bench.root, 'not.yaml'), 'apiVersion: [heraklit\n');
  await bench.refuses(await bench.build('not.yaml'), { code: 'RECIPE_INVALID', exit: 2, says: ['not.yaml:2:1'] });
  await bench.refuses(await bench.build('absent.yaml'), { code: 'RECIPE_UNREADABLE', exit: 2, says: ['absent.yaml'] });
});

test('recipes that stand on each other', async (context) => {
  const bench = await openBench(context);
  await writeFile(join(bench.root, 'hen.yaml'), 'apiVersion: heraklit/v1\nkind: Image\nname: hen\nfrom: egg\n');
  await writeFile(join(bench.root, 'egg.yaml'), 'apiVersion: heraklit/v1\nkind: Image\nname: egg\nfrom: hen\n');
  await bench.refuses(await bench.build('hen.yaml'), {
    code: 'RECIPE_CYCLE',
    exit: 2,
    says: [/hen\.yaml → .*egg\.yaml → .*hen\.yaml/],
  });
});

test('an unknown package: the nearest names', async (context) => {
  const bench = await openBench(context);
  const unknown = { code: 'SOLVE_UNKNOWN_PACKAGE', says: ['helo', /hint: .*hello/] };
  await bench.refuses(await bench.build(await bench.recipe('unknown', 'helo')), unknown);
});

test('packages that cannot be installed together: the chain', async (context) => {
  const bench = await openBench(context);
  const chain = { code: 'SOLVE_CONFLICT', says: ['needy 1.0-1', 'middle', 'libabsent (>= 2)'] };
  await bench.refuses(await bench.build(await bench.recipe('needy', 'needy')), chain);
  const conflict = { code: 'SOLVE_CONFLICT', says: ['clash 1.0-1', 'left 1.0-1', 'Conflicts: right'] };
  await bench.refuses(await bench.build(await bench.recipe('clash', 'clash')), conflict);
});

test('an index that is unsigned, signed by others, tampered with, cut or expired', async (context) => {
  const bench = await openBench(context);
  const recipe = await bench.recipe('image', 'hello');
  const signed = String(good.get(IN_RELEASE));
  const unsigned = signed.split('\n\n').slice(1).join('\n\n').split('-----BEGIN PGP SIGNATURE')[0] ?? '';
  const stranger = await createSigner();
  const releases: Readonly<Record<string, readonly [string | Buffer, string]>> = {
    unsigned: [unsigned, 'RELEASE_UNSIGNED'],
    stranger: [await stranger.sign(unsigned), 'RELEASE_UNSIGNED'],
    tampered: [signed.replace('Origin: Debian', 'Origin: Debiaan'), 'RELEASE_UNSIGNED'],
    prepended: [`SHA256:\n${signed}`, 'RELEASE_UNSIGNED'],
    cut: [signed.slice(0, 400), 'RELEASE_UNSIGNED'],
    empty: ['', 'RELEASE_UNSIGNED'],
  };
  for (const [name, [content, code]] of Object.entries(releases)) {
    const mirror = await changedMirror(bench, name, { [IN_RELEASE]: content });
    await bench.refuses(await bench.build(recipe, mirror, '--home', join(bench.root, `home-${name}`)), {
      code,
      says: [name],
    });
    await checkBlobs(join(bench.root, `home-${name}`, 'store'));
  }
  const old = await paths({ 'Valid-Until': new Date(NOW - DAY).toUTCString().replace('GMT', 'UTC') }, NOW - 8 * DAY);
  await writeMirror(old, join(bench.root, 'expired'));
  const ended = await bench.build(
    recipe,
    `file://${bench.root}/expired/debian`,
    '--home',
    join(bench.root, 'home-old'),
  );
  await bench.refuses(ended, { code: 'RELEASE_EXPIRED', says: ['expired'] });
});

test('a package index that is not what the signed Release says', async (context) => {
  const bench = await openBench(context);
  const recipe = await bench.recipe('image', 'hello');
  const indexes = [...good].filter(([path]) => /dists\/trixie\/main/.test(path));
  const changes = Object.fromEntries(indexes.map(([path, bytes]) => [path, Buffer.concat([bytes, Buffer.from('\n')])]));
  await bench.refuses(await bench.build(recipe, await changedMirror(bench, 'tampered', changes)), {
    code: 'FEED_HASH_MISMATCH',
  });
});

test('a package that is cut on the mirror, cut before it was signed for, or leads out of the image', async (context) => {
  const bench = await openBench(context);
  const [path, deb] = [...good].find(([name]) => /\/hello_.*\.deb$/.test(name)) ?? assert.fail('no hello');
  const mirror = await changedMirror(bench, 'cut', { [path]: deb.subarray(0, deb.length / 2) });
  const hello = await bench.recipe('image', 'hello');
  await bench.refuses(await bench.build(hello, mirror, '--home', join(bench.root, 'other')), {
    code: 'FEED_HASH_MISMATCH',
    says: ['hello_1.0-1_amd64.deb'],
  });
  await bench.refuses(await bench.build(await bench.recipe('cut', 'cut')), {
    code: 'DISTRO_PACKAGE_INVALID',
    says: ['cut'],
  });
  await bench.refuses(await bench.build(await bench.recipe('escape', 'escape')), {
    code: 'DISTRO_PACKAGE_INVALID',
    says: ['escape'],
  });
});

test('no network: a port where nobody listens; then the same mirror over HTTP', async (context) => {
  const bench = await openBench(context);
  const server = await serveMirror(good);
  const recipe = await bench.recipe('image', 'hello');
  await server.close();
  await bench.refuses(await bench.build(recipe, server.url), { code: 'FEED_UNREACHABLE', says: ['--mirror'] });
  const again = await serveMirror(good);
  context.after(() => again.close());
  const ended = await bench.build(recipe, again.url, '--home', join(bench.root, 'fresh'));
  assert.equal(ended.code, 0, ended.stderr);
  await checkBlobs(join(bench.root, 'out'));
});

test('--offline with an empty cache, a mirror that is none, a keyring that is none', async (context) => {
  const bench = await openBench(context);
  const recipe = await bench.recipe('image', 'hello');
  const fresh = ['--home', join(bench.root, 'fresh')];
  await bench.refuses(await bench.build(recipe, bench.mirror, '--offline', ...fresh), { code: 'FEED_OFFLINE' });
  await bench.refuses(await bench.build(recipe, 'ftp://mirror.invalid', ...fresh), {
    code: 'FEED_MIRROR_INVALID',
    exit: 2,
  });
  const nowhere = `file://${bench.root}/nowhere/debian`;
  await bench.refuses(await bench.build(recipe, nowhere, ...fresh), { code: 'FEED_NOT_FOUND', says: ['nowhere'] });
  const keyring = (file: string) => bench.build(recipe, bench.mirror, '--keyring', file, ...fresh);
  await bench.refuses(await keyring('absent.asc'), { code: 'CLI_USAGE', exit: 2, says: ['absent.asc'] });
  await bench.refuses(await keyring(recipe), { code: 'DISTRO_KEYRING_INVALID', says: [recipe] });
  // The keys that ship do not sign this mirror.
  const shipped = await bench.run(['build', recipe, '-o', 'oci:out:image', '--mirror', bench.mirror, ...fresh]);
  await bench.refuses(shipped, { code: 'RELEASE_UNSIGNED' });
});

test('a cached package that was damaged on disk is noticed and fetched again', async (context) => {
  const bench = await openBench(context);
  const recipe = await bench.recipe('image', 'hello');
  assert.equal((await bench.build(recipe)).code, 0);
  const first = await readFile(join(bench.root, 'out', 'index.json'), 'utf8');
  for (const file of await filesBelow(join(bench.home, 'cache'))) {
    if (file.endsWith('.deb')) await writeFile(join(bench.home, 'cache', file), 'damaged');
  }
  await rm(join(bench.home, 'cache', 'compose'), { recursive: true, force: true });
  await rm(join(bench.home, 'store'), { recursive: true, force: true });
  await rm(join(bench.root, 'out'), { recursive: true, force: true });
  const again = await bench.build(recipe);
  assert.equal(again.code, 0, again.stderr);
  assert.equal(await readFile(join(bench.root, 'out', 'index.json'), 'utf8'), first);
});

test('an output that cannot be written is told before anything is built', async (context) => {
  const bench = await openBench(context);
  const recipe = await bench.recipe('image', 'hello');
  const to = (output: string) =>
    bench.run(['build', recipe, '-o', output, '--mirror', bench.mirror, '--keyring', 'key.asc']);
  await bench.refuses(await to('dir:out'), { code: 'TRANSPORT_NOT_AN_IMAGE', exit: 2 });
  await bench.refuses(await to('oci:'), { code: 'OCI_REFERENCE_INVALID', exit: 2 });
  await copyFile(join(bench.root, 'key.asc'), join(bench.root, 'file'));
  assertRefused(await to('oci:file:tag'), { code: 'SYSTEM_ERROR' });
  await mkdir(join(bench.root, 'folder'), { recursive: true });
  assertRefused(await to('oci-archive:folder'), { code: 'SYSTEM_ERROR' });
  assert.deepEqual(await filesBelow(join(bench.root, 'folder')), []);
});
