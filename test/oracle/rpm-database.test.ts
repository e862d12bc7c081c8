import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ecosystemOf } from '../../src/distro/index.ts';
import { inspectImage } from '../../src/inventory/index.ts';
import { hasRpmTools, RPM_DATABASE, RpmWorld } from '../support/rpm-world.ts';

const NAMES = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'];
const FORMAT = '%{NAME} %{EVR} %{ARCH} %{SIZE}\\n';

let world: RpmWorld | undefined;
after(() => world?.remove());

const lines = (text: string): readonly string[] => text.trim().split('\n').sort();

async function scanned(root: string): Promise<readonly string[]> {
  const { packages, incomplete } = await inspectImage({ kind: 'dir', root });
  assert.deepEqual(incomplete, []);
  return packages.map((one) => `${one.name} ${one.version} ${one.architecture}`).sort();
}

const withoutSize = (line: string): string => line.split(' ').slice(0, 3).join(' ');

test('a root that rpm installed, upgraded and erased in holds what rpm says, also as Berkeley DB', async (context) => {
  if (!hasRpmTools('rpm', 'rpmbuild')) return context.skip('rpm not installed');
  world = await RpmWorld.create();
  const many = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`/usr/share/many/file-${n}`, `${n}`]));
  const first = await world.build([
    ...NAMES.map((name, n) => ({ name, evr: `${n % 2 === 0 ? '' : '2:'}1.${n}-1.el9`, arch: 'x86_64' as const })),
    { name: 'many', evr: '1-1', files: many, configs: { '/etc/many.conf': 'a' } },
    { name: 'tilde', evr: '1.0~rc1^git2-3.el9_4', files: { '/usr/bin/tilde': 'x' } },
  ]);
  const second = await world.build([{ name: 'alpha', evr: '1.10-1.el9', arch: 'x86_64' }]);
  await world.rpm('root', '-i', ...first);
  await world.rpm('root', '-e', 'beta');
  await world.rpm('root', '-U', ...second);
  const root = join(world.folder, 'root');
  const expected = lines(await world.rpm('root', '-qa', '--qf', FORMAT));
  assert.equal(expected.length, 7);
  assert.deepEqual(await scanned(root), expected.map(withoutSize));

  if (spawnSync('db5.3_load', ['-V']).error !== undefined) return context.skip('db5.3-util not installed');
  const old = join(world.folder, 'old-root');
  const folder = join(old, 'var/lib/rpm');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(world.folder, 'dump'), dumpOf(readHeaders(join(root, RPM_DATABASE, 'rpmdb.sqlite'))));
  for (const pageSize of [512, 4096, 65_536]) {
    execFileSync('db5.3_load', [
      '-c',
      `db_pagesize=${pageSize}`,
      '-c',
      `db_lorder=${pageSize === 512 ? '4321' : '1234'}`,
      '-f',
      join(world.folder, 'dump'),
      join(folder, 'Packages'),
    ]);
    const asked = ['--define', '_db_backend bdb_ro', '--dbpath', folder, '-qa', '--qf', FORMAT.replace('\\n', '\n')];
    const told = execFileSync('rpm', asked, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    assert.deepEqual(lines(told), expected);
    assert.deepEqual(await scanned(old), expected.map(withoutSize));
    execFileSync('rm', [join(folder, 'Packages')]);
  }
});

/** Headers by way of sqlite's own shell-less reader: what db5.3_load gets is rpm's own bytes. */
function readHeaders(path: string): readonly Buffer[] {
  const script = `import { DatabaseSync } from 'node:sqlite';
    for (const { blob } of new DatabaseSync(process.argv[1], { readOnly: true }).prepare('select blob from Packages').all())
      console.log(Buffer.from(blob).toString('hex'));`;
  const copy = `${path}.copy`;
  copyFileSync(path, copy);
  // A log that is not there must not be waited for: the copy is no longer in that mode.
  const bytes = readFileSync(copy);
  bytes.fill(1, 18, 20);
  writeFileSync(copy, bytes);
  const text = execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', script, copy], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return lines(text).map((line) => Buffer.from(line, 'hex'));
}

/** What db_load reads: keys are package numbers, 0 holds the highest. */
function dumpOf(headers: readonly Buffer[]): string {
  const key = (number: number): string => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(number);
    return bytes.toString('hex');
  };
  const pairs = headers.flatMap((header, index) => [key(index + 1), header.toString('hex')]);
  const data = [key(0), key(headers.length), ...pairs].map((line) => ` ${line}\n`).join('');
  return `VERSION=3\nformat=bytevalue\ntype=hash\nHEADER=END\n${data}DATA=END\n`;
}

test('what rpm provides and requires is read as rpm prints it', async (context) => {
  if (!hasRpmTools('rpm', 'rpmbuild')) return context.skip('rpm not installed');
  const own = await RpmWorld.create();
  try {
    const tags = ['Requires: a < 1, b <= 1:2-3, c = 4, d >= 5, e > 6', 'Obsoletes: old <= 9', 'Conflicts: foe'];
    const [path = ''] = await own.build([{ name: 'p', evr: '1-1', tags }]);
    await own.rpm('root', '-i', path);
    const database = readFileSync(join(own.folder, 'root', RPM_DATABASE, 'rpmdb.sqlite'));
    const found = ecosystemOf('rpm').readDatabase(new Map([[`${RPM_DATABASE.slice(1)}/rpmdb.sqlite`, database]]));
    const text = (groups: readonly (readonly { name: string; operator?: string; version?: string }[])[]) =>
      groups
        .map(([one]) => [one?.name, one?.operator?.replace(/(.)\1/, '$1'), one?.version].filter(Boolean).join(' '))
        .sort();
    const asked = async (what: string) =>
      lines(await own.rpm('root', '-q', `--${what}`, 'p')).filter((line) => !line.startsWith('rpmlib('));
    const [one] = found.packages;
    assert.ok(one !== undefined);
    assert.deepEqual(text(one.relations.depends), await asked('requires'));
    assert.deepEqual(text(one.relations.replaces), await asked('obsoletes'));
    assert.deepEqual(text(one.relations.conflicts), await asked('conflicts'));
    assert.deepEqual(text(one.relations.provides.map((relation) => [relation])), await asked('provides'));
  } finally {
    await own.remove();
  }
});
