import assert from 'node:assert/strict';
import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { VERSION_RULES } from '../../src/language/binary/rules.ts';
import { readProgram } from '../../src/language/testing/read-program.ts';
import { debianPrograms } from '../support/debian-programs.ts';
import { UNPACKED } from '../support/unpack-packages.ts';

/** Whose version a product has, where the package is not called like it; several, because names differ by suite. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  node: /^libnode\d+$/,
  python: /^python3\.\d+-minimal$/,
  php: /^php[\d.]+-cli$/,
  nginx: /^nginx(?:-light)?$/,
  openssl: /^(?:libssl\d.*|openssl)$/,
  busybox: /^busybox(?:-static)?$/,
  perl: /^perl-base$/,
  ruby: /^libruby[\d.]+$/,
  redis: /^redis-tools$/,
  valkey: /^valkey-tools$/,
  postgresql: /^postgresql-\d+$/,
  httpd: /^apache2-bin$/,
  libcurl: /^libcurl4.*$/,
  sqlite: /^libsqlite3-0$/,
  glibc: /^libc6$/,
  mariadb: /^mariadb-server-core$/,
};
/** No package of Debian's: its text stands in the unit test. */
const NOT_IN_DEBIAN = new Set(['openresty']);
const NAMES = new Set(VERSION_RULES.flatMap(({ names }) => names));

/** What Debian calls the upstream version: without epoch, revision, and what says that files were left out. */
function upstreamVersion(root: string, product: string): string | undefined {
  const pattern = PACKAGES[product] ?? new RegExp(`^${product}$`);
  const files = readFileSync(join(root, UNPACKED), 'utf8').split('\n');
  const version = files.map((file) => file.split('_')).find(([name]) => pattern.test(name ?? ''))?.[1];
  return /^(?:\d+:)?(.+?)(?:[+~](?:dfsg|ds)[\d.]*)?(?:-[^-]+)?$/.exec(version ?? '')?.[1];
}

const filesIn = (root: string): readonly string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry: Dirent) => entry.isFile() && NAMES.has(entry.name))
    .map((entry: Dirent) => join(entry.parentPath, entry.name));

test('versions of programs of three Debian suites are those of their packages', async (context) => {
  const roots = debianPrograms();
  if (roots === undefined) return context.skip('programs of Debian not fetched (test/support/debian-programs.ts)');
  const proved = new Map<string, Set<string>>();
  for (const [suite, root] of Object.entries(roots)) {
    for (const path of filesIn(root)) {
      const bytes = readFileSync(path);
      for (const { packages = [], reader } of await readProgram(path.slice(root.length + 1), bytes)) {
        if (reader !== 'program-version') continue;
        for (const { name, version } of packages) {
          const expected = upstreamVersion(root, name);
          // Debian leaves the patch level of some releases of bash out.
          const isSame = version === expected || (name === 'bash' && version.startsWith(`${expected}.`));
          assert.ok(isSame, `${suite}: ${path}: ${version}, not ${expected}`);
          proved.set(name, (proved.get(name) ?? new Set()).add(suite));
        }
      }
    }
  }
  const products = [...new Set(VERSION_RULES.map(({ product }) => product))];
  assert.deepEqual(
    products.filter((product) => !proved.has(product) && !NOT_IN_DEBIAN.has(product)),
    [],
  );
  context.diagnostic([...proved].map(([name, suites]) => `${name} in ${suites.size}`).join(', '));
});

test('the runtime that runs this test is recognised', async () => {
  const findings = await readProgram('usr/local/bin/node', readFileSync(process.execPath));
  assert.ok(statSync(process.execPath).size > 1000);
  const found = findings.flatMap(({ packages = [] }) => packages.map(({ name, version }) => `${name} ${version}`));
  assert.ok(found.includes(`node ${process.versions.node}`), found.join());
});
