/**
 * Stand-ins for maintainer scripts against the scripts themselves: those of this machine's packages run both ways over
 * its root, each in a sandbox, and must print the same and leave the same.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { quickPrograms } from '../../src/build/scripts/quick-programs.ts';
import { type Change, createSandbox } from '../../src/runtime/sandbox/index.ts';
import { noDebianRoots } from '../support/debian-image.ts';

const skip = noDebianRoots;
const ENVIRONMENT = {
  DEBIAN_FRONTEND: 'noninteractive',
  DEBCONF_NONINTERACTIVE_SEEN: 'true',
  DPKG_MAINTSCRIPT_PACKAGE: 'ca-certificates',
  DPKG_MAINTSCRIPT_NAME: 'postinst',
  PERL_HASH_SEED: '0',
  PERL_PERTURB_KEYS: '0',
};
const CONFIGURATION = '/etc/ca-certificates.conf';
const POSTINST = '/var/lib/dpkg/info/ca-certificates.postinst';

let folder: string;
let quick: ReadonlyMap<string, string>;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quick-scripts-'));
  quick = await quickPrograms('/');
});
after(() => rm(folder, { recursive: true, force: true }));

type Files = Readonly<Record<string, string | { readonly link: string }>>;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly changes: readonly string[];
}

/** Runs shell commands over this machine's root with some files added. */
async function outcome(script: string, files: Files, standIns: ReadonlyMap<string, string>): Promise<Outcome> {
  const sandbox = await createSandbox({ mountPoint: folder });
  try {
    const state = await sandbox.directory('state');
    await chmod(state, 0o755);
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(state, path)), { recursive: true });
      await (typeof content === 'string'
        ? writeFile(join(state, path), content)
        : symlink(content.link, join(state, path)));
    }
    await sandbox.mount(['state', '/']);
    const { code, stdout, stderr } = await sandbox.run(['/bin/sh', '-c', script], {
      environment: ENVIRONMENT,
      standIns,
    });
    const changes = await Array.fromAsync(sandbox.changes(), describe);
    return { code, stdout: stdout.toString('latin1'), stderr: stderr.toString('latin1'), changes };
  } finally {
    await sandbox.close();
  }
}

async function describe(change: Change): Promise<string> {
  if (change.kind !== 'entry') return `${change.kind} ${change.path}`;
  const { path, type, mode, uid, gid, linkName } = change.header;
  const content =
    change.content === undefined
      ? ''
      : createHash('sha256')
          .update(await readFile(change.content))
          .digest('hex');
  return [type, path, mode, uid, gid, linkName, content].join(' ');
}

async function compare(script: string, files: Files): Promise<Outcome> {
  const [own, other] = [await outcome(script, files, new Map()), await outcome(script, files, quick)];
  assert.deepEqual(other, own);
  return own;
}

function unknown(context: TestContext, ...paths: readonly string[]): boolean {
  const missing = paths.filter((path) => !quick.has(path));
  if (missing.length > 0) context.skip(`no version that is known of ${missing.join(', ')}`);
  return missing.length > 0;
}

test('certificates are added, dropped and linked as their scripts do', { skip }, async (context) => {
  if (unknown(context, POSTINST, '/usr/sbin/update-ca-certificates')) return;
  const lines = (await readFile(CONFIGURATION, 'utf8')).split('\n').slice(0, -1);
  const listed = lines.filter((line) => !line.startsWith('#'));
  const one = await readFile(`/usr/share/ca-certificates/${listed[5]?.replace(/^!/, '')}`, 'utf8');
  const edited = [
    ...lines.filter((line) => line !== listed[7]).map((line) => (line === listed[9] ? `!${line}` : line)),
    ...[
      '# a comment in between',
      'gone/Missing.crt',
      'own/With (two) blanks.crt',
      '!own/Off.crt',
      'own/Izenpe.com.crt',
    ],
  ];
  const files: Files = {
    [CONFIGURATION]: `${edited.join('\n')}\n`,
    '/usr/share/ca-certificates/own/With (two) blanks.crt': one.trimEnd(),
    '/usr/share/ca-certificates/own/Off.crt': one,
    '/usr/share/ca-certificates/own/Izenpe.com.crt': one,
    '/usr/local/share/ca-certificates/local.crt': one,
    '/etc/ssl/certs/dangling.pem': { link: '/usr/share/ca-certificates/nowhere.crt' },
    '/etc/ssl/certs/With_=two=_blanks.pem': 'a file where a link should be',
  };
  const { code, stdout, changes } = await compare(
    `${POSTINST} configure 20200601 && ${POSTINST} triggered update-ca-certificates`,
    files,
  );
  assert.equal(code, 0);
  assert.match(stdout, /[1-9][0-9]* added/);
  assert.ok(changes.some((change) => change.includes('/etc/ssl/certs/With_=two=_blanks.pem'.slice(1))));
});

test('what is odd is left to the scripts', { skip }, async (context) => {
  if (unknown(context, POSTINST, '/usr/sbin/update-ca-certificates')) return;
  const lines = (await readFile(CONFIGURATION, 'utf8')).split('\n').slice(0, 12);
  const files: Files = {
    [CONFIGURATION]: `${[...lines, 'own/back\\slash.crt', '  indented.crt', '-e', '', ...lines.slice(9)].join('\n')}`,
    '/usr/share/ca-certificates/own/back\\slash.crt': 'no certificate',
    [`/etc/ssl/certs/${lines.at(-1)?.replace(/.*\/|\.crt$/g, '')}.pem/a-folder`]: '',
  };
  await compare('update-ca-certificates; update-ca-certificates --fresh', files);
});

const NAMES = ['a.service', 'b.socket', 'c@.service', 'd.timer', 'gone.service'];
const target = fc.constantFrom('multi-user.target', '"quoted.target"', 'sockets.target timers.target');
const unitLine = fc.oneof(
  target.map((name) => `WantedBy=${name}`),
  target.map((name) => `RequiredBy=${name}`),
  fc.constantFrom(...NAMES).map((name) => `Also=${name}`),
  fc.constantFrom('Alias=e.service', 'Alias=a.service other.service', 'DefaultInstance=one', 'Description=text'),
);
const ACTIONS = ['enable', 'disable', 'mask', 'unmask', 'is-enabled', 'was-enabled', 'debian-installed'];
const call = fc
  .tuple(
    fc.constantFrom(...ACTIONS, 'purge', 'update-state', 'reenable'),
    fc.constantFrom('', '--quiet', '--user', '--system --quiet', '-q', '--qui'),
    fc.subarray(NAMES, { minLength: 1, maxLength: 2 }),
  )
  .map(([action, option, names]) => `deb-systemd-helper ${option} ${action} ${names.join(' ')}; echo $?`);

test('deb-systemd-helper does the same without its modules', { skip }, async (context) => {
  if (unknown(context, '/usr/bin/deb-systemd-helper')) return;
  const units = fc.array(unitLine, { maxLength: 4 }).map((lines) => `[Unit]\n[Install]\n${lines.join('\n')}\n`);
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(units, units, units, units),
      fc.array(call, { minLength: 10, maxLength: 12 }),
      async (contents, calls) => {
        const files = Object.fromEntries(
          contents.flatMap((content, at) => [
            [`/usr/lib/systemd/system/${NAMES[at]}`, content],
            [`/usr/lib/systemd/user/${NAMES[at]}`, content],
          ]),
        );
        await compare(calls.join('\n'), files);
      },
    ),
    { numRuns: Number(process.env.HERAKLIT_TEST_RUNS ?? 2), interruptAfterTimeLimit: 60_000 },
  );
});
