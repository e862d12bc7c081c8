import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import * as openpgp from 'openpgp';
import { type Home, homeAt, silentLog, silentProgress } from '../../src/base/index.ts';
import type { Lock } from '../../src/build/index.ts';
import { readKeyring } from '../../src/distro/index.ts';
import { lockRecipeFile, openWorkshop, type WorkshopOptions } from '../../src/engine/workshop/index.ts';
import { type Cli, openCli } from '../support/cli.ts';
import { buildDeb, buildMirror, type TestPackage, writeMirror } from '../support/debian-mirror.ts';

const BORN = new Date('2025-01-01');
const keyOf = (name: string) => openpgp.generateKey({ userIDs: [{ name }], format: 'object', date: BORN });
const [first, other] = [await keyOf('distribution'), await keyOf('third party')];

async function signedBy(who: typeof first, text: string, date: Date): Promise<Buffer> {
  const message = await openpgp.createCleartextMessage({ text });
  return Buffer.from(await openpgp.sign({ message, signingKeys: who.privateKey, date }));
}

function pkg(name: string, version: string, more: Readonly<Record<string, string>> = {}): TestPackage {
  return {
    control: { Package: name, Version: version, Architecture: 'amd64', Maintainer: 'x <x@example.org>', ...more },
    files: { [`usr/share/${name}`]: version },
  };
}

const SUITES = ['trixie', 'trixie-updates', 'trixie-security'];

/** A distribution's mirror with these packages in its release pocket, dated so. */
async function publish(
  folder: string,
  packages: readonly TestPackage[],
  date: string,
  signed: string = date,
): Promise<void> {
  const suites = SUITES.map((suite) => ({ suite, packages: suite === 'trixie' ? packages : [] }));
  await rm(folder, { recursive: true, force: true });
  const sign = (text: string): Promise<Buffer> => signedBy(first, text, new Date(signed));
  await writeMirror(await buildMirror(suites, sign, Date.parse(date)), folder);
}

async function thirdParty(folder: string, packages: readonly TestPackage[]): Promise<void> {
  const sign = (text: string): Promise<Buffer> => signedBy(other, text, new Date());
  await writeMirror(await buildMirror([{ suite: 'stable', packages }], sign, Date.now()), folder);
}

/** One folder with packages, `Packages`, `Release` and its signature beside it: what small vendors publish. */
async function flat(folder: string, packages: readonly TestPackage[], signed: boolean): Promise<void> {
  await mkdir(folder, { recursive: true });
  const stanzas: string[] = [];
  for (const one of packages) {
    const deb = buildDeb(one);
    const name = `${one.control.Package}.deb`;
    await writeFile(join(folder, name), deb);
    const sha256 = createHash('sha256').update(deb).digest('hex');
    const fields = { ...one.control, Filename: `./${name}`, Size: String(deb.length), SHA256: sha256 };
    stanzas.push(
      Object.entries(fields)
        .map(([key, value]) => `${key}: ${value}\n`)
        .join(''),
    );
  }
  const index = Buffer.from(stanzas.join('\n'));
  await writeFile(join(folder, 'Packages'), index);
  const date = new Date().toUTCString().replace('GMT', 'UTC');
  const sum = createHash('sha256').update(index).digest('hex');
  const release = Buffer.from(`Date: ${date}\nSHA256:\n ${sum} ${index.length} Packages\n`);
  await writeFile(join(folder, 'Release'), release);
  if (!signed) return;
  const message = await openpgp.createMessage({ binary: release });
  const signature = await openpgp.sign({ message, signingKeys: other.privateKey, detached: true, format: 'binary' });
  await writeFile(join(folder, 'Release.gpg'), signature);
}

const HEAD = 'apiVersion: heraklit/v1\nkind: Image\nname: image\ndistribution: debian/trixie\nscripts: none\n';

interface Bench {
  readonly root: string;
  readonly home: Home;
  /** Writes the recipe and its lock. */
  lock(recipe: string, more?: Partial<WorkshopOptions>): Promise<Lock>;
}

async function open(context: TestContext): Promise<Bench> {
  const root = await mkdtemp(join(tmpdir(), 'compose-repositories-'));
  context.after(() => rm(root, { recursive: true, force: true }));
  await writeFile(join(root, 'key.asc'), first.publicKey.armor());
  await writeFile(join(root, 'vendor.asc'), other.publicKey.armor());
  await writeFile(join(root, 'vendor.gpg'), other.publicKey.write());
  const home = homeAt(join(root, 'home'));
  const keyring = await readKeyring('test', [first.publicKey.armor()]);
  return {
    root,
    home,
    lock: async (recipe, more = {}) => {
      const path = join(root, 'image.yaml');
      await writeFile(path, HEAD + recipe.replaceAll('ROOT', root));
      const mirror = `file://${root}/mirror/debian`;
      const workshop = openWorkshop({ home, log: silentLog, progress: silentProgress, mirror, keyring, ...more });
      return (await lockRecipeFile(path, { architecture: 'amd64' }, workshop)).lock;
    },
  };
}

const versionsOf = ({ packages }: Lock): string => packages.map(({ name, version }) => `${name}=${version}`).join(' ');

const VENDOR =
  '{ name: vendor, url: file://ROOT/vendor/debian, suite: stable, components: [main], keyring: vendor.asc }';

test('extra repositories: signed by their own keys, in suites and in one folder, pinned by name', async (context) => {
  const { root, home, lock } = await open(context);
  await publish(join(root, 'mirror'), [pkg('web', '1', { Depends: 'lib' }), pkg('lib', '1')], '2026-01-01');
  await thirdParty(join(root, 'vendor'), [pkg('lib', '2'), pkg('agent', '1')]);
  await flat(join(root, 'flat'), [pkg('tool', '3', { Depends: 'agent' })], true);
  const recipe = `packages: [web, tool]\nrepositories:\n  - ${VENDOR}
  - { name: flat, url: file://ROOT/flat, suite: ./, keyring: vendor.gpg }\n`;
  const done = await lock(recipe);
  assert.equal(versionsOf(done), 'agent=1 lib=2 tool=3 web=1');
  assert.deepEqual(
    done.packages.map(({ repository }) => repository),
    ['debian/+vendor/main/amd64', 'debian/+vendor/main/amd64', 'debian/+flat/flat/amd64', 'debian/trixie/main/amd64'],
  );
  assert.equal(done.repositories.length, 3);
  const text = await readFile(join(root, 'image.yaml.lock'), 'utf8');
  assert.doesNotMatch(text, /file:/, 'a lock names no hosts');
  // A bundle takes packages from where the recipe says; then nothing is needed but the lock.
  await rm(join(home.cache, 'packages'), { recursive: true });
  const cli = await openCli(context, home.root);
  const [recipeFile, key] = [join(root, 'image.yaml'), await bundleKey(cli)];
  const source = ['--mirror', `file://${root}/mirror/debian`, '--keyring', join(root, 'key.asc')];
  const exported = await cli.run([
    'feed',
    'export',
    'bundle',
    '--packages',
    recipeFile,
    '--key',
    key,
    '--no-advisories',
    ...source,
  ]);
  assert.equal(exported.code, 0, exported.stderr);
  const built = await cli.run(['build', recipeFile, '-o', 'oci:out:image', '--locked', '--offline']);
  assert.equal(built.code, 0, built.stderr);
  const pinned = await lock(`${recipe}pins: [{ packages: ["*"], repository: vendor, priority: 100 }]\n`);
  assert.equal(versionsOf(pinned), 'agent=1 lib=1 tool=3 web=1');
});

test('an extra repository that nobody signed, or somebody else, is refused unless it is trusted', async (context) => {
  const { root, lock } = await open(context);
  await publish(join(root, 'mirror'), [pkg('web', '1')], '2026-01-01');
  await thirdParty(join(root, 'vendor'), [pkg('agent', '1')]);
  await flat(join(root, 'flat'), [pkg('tool', '3')], false);
  const agent = 'packages: [agent]\nrepositories:\n  - ';
  for (const [is, should, code] of [
    ['vendor.asc', 'key.asc', 'RELEASE_UNSIGNED'],
    ['vendor.asc', 'gone.asc', 'REPOSITORY_KEY_UNREADABLE'],
    ['vendor.asc', 'image.yaml', 'DISTRO_KEYRING_INVALID'],
    [', keyring: vendor.asc', '', 'RECIPE_INVALID'],
    ['name: vendor', 'name: security', 'RECIPE_INVALID'],
    [', components: [main]', '', 'RECIPE_INVALID'],
    ['suite: stable', 'suite: other', 'FEED_NOT_FOUND'],
    ['[main]', '[contrib]', 'FEED_INDEX_MISSING'],
  ] as const) {
    await assert.rejects(lock(`${agent}${VENDOR.replace(is, should)}\n`), { code }, should);
  }
  const tool = 'packages: [tool]\nrepositories:\n  - { name: flat, url: file://ROOT/flat, suite: ./, ';
  await assert.rejects(lock(`${tool}keyring: vendor.asc }\n`), { code: 'FEED_NOT_FOUND', message: /Release\.gpg/ });
  assert.equal(versionsOf(await lock(`${tool}trusted: true }\n`)), 'tool=3');
  await flat(join(root, 'flat'), [pkg('tool', '3')], true);
  await rm(join(root, 'image.yaml.lock'));
  await writeFile(join(root, 'flat', 'Release'), `${await readFile(join(root, 'flat', 'Release'), 'utf8')}# more\n`);
  await assert.rejects(lock(`${tool}keyring: vendor.asc }\n`), { code: 'RELEASE_UNSIGNED' });
});

test('asOf: what this home recorded, else a snapshot mirror, else a coded error', async (context) => {
  const { root, home, lock } = await open(context);
  const mirror = join(root, 'mirror');
  const web = (asOf?: string): string => `packages: [web]\n${asOf === undefined ? '' : `asOf: "${asOf}"\n`}`;
  const version = async (...args: Parameters<typeof lock>): Promise<string | undefined> =>
    (await lock(...args)).packages[0]?.version;
  for (const [number, date] of [
    ['2', '2026-01-10T10:00:00Z'],
    ['3', '2026-02-10T10:00:00Z'],
    ['4', '2026-03-10T10:00:00Z'],
  ] as const) {
    await publish(mirror, [pkg('web', number)], date);
    await rm(join(root, 'image.yaml.lock'), { force: true });
    assert.equal(await version(web()), number);
  }
  const offline = { offline: true };
  for (const [asOf, number] of [
    ['2026-01-31', '2'],
    ['2026-02-10T09:59:59Z', '2'],
    ['2026-02-10', '3'],
    ['2026-03-11', '4'],
  ] as const) {
    assert.equal(await version(web(asOf), offline), number, asOf);
  }
  const missing = { code: 'FEED_NO_SNAPSHOT', message: /debian\/trixie/, hint: /--snapshot-mirror.*2026-01-10/ };
  await assert.rejects(lock(web('2025-12-31'), offline), missing);
  const snapshot = { snapshotMirror: `file://${root}/snapshot/{archive}/{timestamp}` };
  await assert.rejects(lock(web('2025-12-31'), snapshot), { code: 'FEED_NO_SNAPSHOT', message: /has none/ });

  const past = join(root, 'past');
  await publish(past, [pkg('web', '1')], '2025-12-30T10:00:00Z');
  for (const archive of ['debian', 'debian-security']) {
    await mkdir(join(root, 'snapshot', archive), { recursive: true });
    await symlink(join(past, archive), join(root, 'snapshot', archive, '20251231T235959Z'));
  }
  // The mirror has long forgotten this version: its package comes from the snapshot, too.
  assert.equal(await version(web('2025-12-31'), snapshot), '1');
  // Recorded now: the snapshot mirror need not be asked again.
  assert.equal(await version(`${web('2025-12-31')}recommends: true\n`, offline), '1');
  // A snapshot that is newer than its name says is not believed.
  await publish(past, [pkg('web', '9')], '2026-01-05T10:00:00Z', '2025-12-30');
  await rm(join(home.cache, 'releases', 'history'), { recursive: true });
  await assert.rejects(lock(web('2025-12-31'), snapshot), { code: 'RELEASE_FUTURE' });
});

/** Bundles are signed. */
async function bundleKey(cli: Cli): Promise<string> {
  const file = join(cli.root, 'bundle.pem');
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return file;
}
