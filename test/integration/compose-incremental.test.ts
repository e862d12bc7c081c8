import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Progress } from '../../src/base/index.ts';
import type { Lock, LockedPackage } from '../../src/build/index.ts';
import { type Downloads, openComposeHome, openDownloads } from '../support/compose-home.ts';

/**
 * The proof of docs/decisions/0012: for one changed source package after another, building incrementally and running
 * all scripts again give the same digest, whether the scripts ran incrementally or not: all changes of trixie, a few of
 * bookworm. With HERAKLIT_TEST_WIDE=1 all of both, in images of 170 packages (Python, nginx, systemd …), ten minutes.
 */
const ALL = process.env.HERAKLIT_TEST_WIDE === '1';
const MINIMAL = ['apt', 'tzdata', 'openssl', 'ca-certificates', 'curl', 'xz-utils', 'expat', 'passwd', 'mount'];
const WIDE = ['perl', 'python3', 'gnupg', 'nginx', 'sqlite3', 'openssh-client', 'git', 'vim-tiny', 'systemd'];
const PACKAGES = ALL ? [...MINIMAL, ...WIDE] : MINIMAL;
/** Essential packages, executed by every script: repacked where the distribution has no update of them right now. */
const REPACKED = ['base-files', 'libc6', 'zlib1g'];

/** Changes after which nothing ran again, by suite: each costs ten seconds, and proves the same rule. */
const SUITES = [
  { suite: 'trixie', most: Infinity },
  { suite: 'bookworm', most: ALL ? Infinity : 2 },
] as const;

const cache = mkdtempSync(join(tmpdir(), 'compose-incremental-'));
process.on('exit', () => rmSync(cache, { recursive: true, force: true }));

/** Why all scripts would run again; nothing ran yet. */
class RunAgain extends Error {}
const REFUSING: Progress = {
  update: (step, _done, _total, why) => {
    if (step === 'maintainer scripts') throw new RunAgain(why);
  },
};

interface Change {
  readonly name: string;
  readonly packages: ReadonlyMap<string, LockedPackage>;
}

function updates(before: Lock, after: Lock): readonly Change[] {
  const old = new Map(before.packages.map((item) => [item.name, item]));
  const changed = after.packages.filter(({ name, version }) => old.has(name) && old.get(name)?.version !== version);
  return [...Map.groupBy(changed, ({ source }) => source)].map(([name, items]) => ({
    name,
    packages: new Map(items.map((item) => [item.name, item])),
  }));
}

const withChange = (lock: Lock, { packages }: Change): Lock => ({
  ...lock,
  packages: lock.packages.map((item) => packages.get(item.name) ?? item),
});

/** The package with a line more in one file that no script reads: a new .deb of the same version. */
async function repack(item: LockedPackage, from: Downloads, folder: string): Promise<LockedPackage> {
  const [root, deb] = [join(folder, item.name), join(folder, `${item.name}.deb`)];
  const run = (...argv: string[]): void => {
    const done = spawnSync(argv[0] as string, argv.slice(1), { encoding: 'utf8' });
    assert.equal(done.status, 0, done.stderr);
  };
  run('dpkg-deb', '-R', await from.packages.fetch(item), root);
  const file = join(root, 'usr/share/doc', item.name, 'copyright');
  writeFileSync(file, `${readFileSync(file, 'utf8')}\nrepacked\n`);
  run('dpkg-deb', '--root-owner-group', '-b', root, deb);
  const bytes = readFileSync(deb);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { ...item, filename: `repacked/${item.name}.deb`, size: bytes.length, sha256 };
}

for (const { suite, most } of SUITES) {
  test(`${suite}: incremental builds equal builds from scratch, one changed source after another`, async (context) => {
    if (process.getuid?.() !== 0) return context.skip('root not installed');
    const from = await openDownloads(context, cache, `debian/${suite}`);
    if (from === undefined) return;
    const folder = mkdtempSync(join(tmpdir(), 'compose-repacked-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const home = await openComposeHome(context, {
      ...from,
      packages: {
        ...from.packages,
        fetch: async (item, signal) =>
          item.filename.startsWith('repacked/')
            ? join(folder, item.filename.slice(9))
            : from.packages.fetch(item, signal),
      },
    });
    const recipe = `apiVersion: heraklit/v1\nkind: Image\nname: image\ndistribution: debian/${suite}\npackages: [${PACKAGES}]\n`;
    const updated = await home.build(
      recipe.replace('packages', 'scripts: none\npackages').replace('[', '[base-files, libc6, '),
    );
    const released = await openComposeHome(context, {
      ...from,
      repositories: async () => (await from.repositories()).filter(({ pocket }) => pocket === 'release'),
    });
    const { lock } = await released.build(recipe);
    await home.build(recipe, { lock, locked: true });
    const changes = [...updates(lock, updated.lock)];
    for (const name of REPACKED) {
      const item = lock.packages.find((candidate) => candidate.name === name);
      if (item === undefined || changes.some(({ packages }) => packages.has(name))) continue;
      changes.push({ name: `${name} (repacked)`, packages: new Map([[name, await repack(item, from, folder)]]) });
    }
    const compose = join(home.root, 'cache', 'compose');
    cpSync(compose, `${compose}-before`, { recursive: true });
    const restore = (): void => {
      rmSync(compose, { recursive: true });
      cpSync(`${compose}-before`, compose, { recursive: true });
    };
    let reused = 0;
    const different: string[] = [];
    for (const change of changes) {
      if (reused >= most) break;
      restore();
      const options = { lock: withChange(lock, change), locked: true };
      const incremental = await home.build(recipe, { ...options, progress: REFUSING }).catch((error: unknown) => {
        if (!(error instanceof RunAgain)) throw error;
        report(context, change.name, error.message);
      });
      // A run from scratch needs no proof.
      if (incremental === undefined) continue;
      report(context, change.name, incremental.scripts ?? '');
      reused += 1;
      restore();
      rmSync(join(compose, 'stages'), { recursive: true });
      const again = await home.build(recipe, options);
      assert.match(again.scripts ?? '', /never ran/);
      if (incremental.descriptor.digest !== again.descriptor.digest) different.push(change.name);
    }
    assert.deepEqual(different, []);
    assert.ok(reused > 0, 'nothing was reused');
  });
}

function report(context: TestContext, change: string, reason: string): void {
  context.diagnostic(`${change}: ${reason.replace(/^.*?; /, '')}`);
}
