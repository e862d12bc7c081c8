import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeraklitError, isHeraklitError } from '../base/index.ts';
import { loadRecipe, nearest, parseFleet, parseRecipe } from './index.ts';

const HEAD = 'apiVersion: heraklit/v1\nkind: Image\nname: web\ndistribution: debian/trixie\n';

function messageFor(text: string, parse: (text: string, file: string) => unknown = parseRecipe): string {
  try {
    parse(text, 'web.yaml');
  } catch (error) {
    assert.ok(isHeraklitError(error, 'RECIPE_INVALID'), String(error));
    assert.equal(error.kind, 'usage');
    return error.message;
  }
  assert.fail('accepted');
}

test('a full recipe is read as written', () => {
  const recipe = parseRecipe(
    `${HEAD}packages: [nginx, "curl=8.14.1-2", "libc6:amd64"]\nscripts: run\nplatforms: [linux/amd64]\n` +
      'files:\n  - { path: /etc/motd, content: hello }\n  - { path: /srv, directory: true, mode: "0750", uid: 33 }\n' +
      'users: [{ name: app, uid: 10001 }]\nconfig: { cmd: [nginx], env: { A: "1" }, ports: ["80/tcp"], workdir: /srv }\n',
  );
  assert.deepEqual(recipe.packages, ['nginx', 'curl=8.14.1-2', 'libc6:amd64']);
  assert.equal(recipe.files?.[1]?.mode, '0750');
});

test('a wrong key is named with file, line, column, path and the nearest key', () => {
  assert.equal(
    messageFor(`${HEAD}package: [nginx]\n`),
    'web.yaml:5:1: package: unknown key "package"; did you mean "packages"?',
  );
  assert.match(
    messageFor(`${HEAD}config:\n  entrypont: [x]\n`),
    /^web\.yaml:6:3: config\.entrypont: unknown key "entrypont"; did you mean "entrypoint"\?$/,
  );
  assert.match(messageFor(`${HEAD}zzzzzz: 1\n`), /known keys: apiVersion, kind/);
});

test('each wrong value says where it stands and what was expected', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['packages: [Nginx]', /^web\.yaml:5:12: packages\[0\]: expected a package: name, name=version/],
    ['packages: nginx', /5:11: packages: expected a value of type array/],
    ['scripts: maybe', /5:10: scripts: expected one of run, none/],
    ['files: [{ path: etc/x, content: a }]', /files\[0\]\.path: expected an absolute path/],
    ['files: [{ path: /a/../b, content: a }]', /files\[0\]\.path: expected an absolute path/],
    ['files: [{ path: /a }]', /5:9: files\[0\]: exactly one of content, source/],
    ['files: [{ path: /a, content: x, source: y }]', /exactly one of/],
    ['files: [{ path: /a, source: ../../secret }]', /expected a path below the recipe's folder/],
    ['files: [{ path: /a, content: x }, { path: //a/, content: y }]', /files\[1\]\.path: \/a stands twice/],
    ['files: [{ path: /a, content: x, mode: 0644 }]', /expected octal digits in quotes/],
    ['users: [{ name: a, uid: 5 }, { name: b, uid: 5 }]', /users\[1\]\.uid: 5 stands twice/],
    ['config: { env: { A: 1 } }', /config\.env\.A: expected text; put numbers/],
    ['config: { env: { "A=B": "1" } }', /config\.env\.A=B: "A=B" cannot be a key here/],
    ['platforms: [windows/amd64]', /expected a platform such as linux\/amd64/],
    ['name: other', /5:1: Map keys must be unique/],
  ];
  for (const [line, expected] of cases) assert.match(messageFor(`${HEAD}${line}\n`), expected);
  assert.match(messageFor('apiVersion: heraklit/v1\nkind: Image\nname: web\n'), /"distribution" and "from"/);
  assert.match(messageFor(HEAD.replace('name: web\n', '')), /the key "name" is missing/);
  assert.match(messageFor('- a\n'), /expected a recipe/);
  assert.match(messageFor('a: [1,\n'), /^web\.yaml:2:1: /);
  assert.match(messageFor(''), /expected a recipe/);
});

test('alias bombs and huge files are refused', () => {
  const bomb = [
    'a: &a [x, x, x, x, x, x, x, x, x]',
    ...'bcdefghi'.split('').map((name, index) => {
      const before = 'abcdefghi'[index];
      return `${name}: &${name} [${Array(9).fill(`*${before}`).join(', ')}]`;
    }),
  ].join('\n');
  assert.match(messageFor(bomb), /too many YAML aliases/);
  assert.match(messageFor(`${HEAD}#${'x'.repeat(17 * 1024 * 1024)}`), /larger than/);
});

test('a fleet is read, and its rules are checked', () => {
  const head = 'apiVersion: heraklit/v1\nkind: Fleet\n';
  const fleet = parseFleet(
    `${head}distributions: { debian/trixie: { mirrors: [https://mirror.example/debian], pockets: [release, security] } }\n` +
      'images:\n  - recipe: base.yaml\n  - { name: db, upstream: "registry.example/db:1" }\n' +
      'events: { amqp: "amqp://bus.example", namespace: acme }\nverify: { commands: [[nginx, -t]] }\n' +
      'rollout: { workloads: [{ image: db, workload: "podman:db", health: { kind: tcp, port: 5432 } }] }\n',
  );
  assert.equal(fleet.images.length, 2);
  assert.match(messageFor(`${head}images: [{ upstream: x }]`, parseFleet), /"name" is missing/);
  assert.match(messageFor(`${head}images: [{ name: a, upstream: x, recipe: y }]`, parseFleet), /exactly one of/);
  for (const [source, message] of [
    ['{ interval: 60 }', /sources\[0\]: exactly one of registry, engine, kubernetes, folder/],
    ['{ registry: r.example, folder: x }', /exactly one of/],
    ['{ folder: x, tags: ["v*"] }', /sources\[0\]\.tags: only a source of the kind registry/],
    ['{ registry: r.example/team }', /HOST\[:PORT\]/],
    ['{ registry: r.example, interval: 0 }', /seconds between two crawls|interval/],
  ] as const) {
    assert.match(messageFor(`${head}images: []\nsources: [${source}]`, parseFleet), message);
  }
  for (const [hosts, message] of [
    ['{ name: a }', /hosts\[0\]: exactly one of endpoint, dockerContext, podmanConnection/],
    ['{ name: a, endpoint: "ssh://a", dockerContext: a }', /exactly one of/],
    ['{ name: "a/b", endpoint: "ssh://a" }', /hosts\[0\]\.name: expected a name/],
    ['{ name: a, endpoint: "ssh://a" }, { name: a, dockerContext: a }', /a stands twice/],
  ] as const) {
    assert.match(messageFor(`${head}images: []\nhosts: [${hosts}]`, parseFleet), message);
  }
  assert.match(messageFor(`${head}images: []\nregistry: { insecure: true }`, parseFleet), /"push" is missing/);
  assert.match(messageFor(`${head}images: []\nregistry: { push: "https://x" }`, parseFleet), /expected HOST/);
  assert.equal(parseFleet(`${head}images: []\nregistry: { push: "r.example:5000/team" }`).images.length, 0);
  const cluster = '{ image: db, workload: "kubernetes:c/n/Deployment/db", health: { kind: running } }';
  assert.match(
    messageFor(`${head}images: []\nrollout: { workloads: [${cluster}] }`, parseFleet),
    /rollout\.workloads\[0\]\.health: a cluster goes by the probes/,
  );
  assert.match(messageFor(`${head}imagse: []`, parseFleet), /did you mean "images"\?/);
  assert.match(messageFor(`${head}images: []\ndistributions: { trixie: {} }`, parseFleet), /"trixie" cannot be a key/);
});

test('a file that is not there is a usage error', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'recipe-'));
  context.after(() => rmSync(folder, { recursive: true }));
  await assert.rejects(loadRecipe(join(folder, 'none.yaml')), { code: 'RECIPE_UNREADABLE' });
  writeFileSync(join(folder, 'web.yaml'), HEAD);
  const loaded = await loadRecipe(join(folder, 'web.yaml'));
  assert.equal(loaded.document.name, 'web');
  assert.equal(loaded.directory, folder);
});

test('any text is a recipe or a coded error', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.string().map((text) => HEAD + text),
      ),
      (text) => {
        try {
          parseRecipe(text);
        } catch (error) {
          assert.ok(error instanceof HeraklitError, `not coded: ${String(error)}`);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('nearest finds slips of the keyboard only', () => {
  assert.equal(nearest('pacakges', ['packages', 'files']), 'packages');
  assert.equal(nearest('Files', ['packages', 'files']), 'files');
  assert.equal(nearest('wholly-different', ['packages', 'files']), undefined);
});

test('health analyses are read as they will be asked', () => {
  const fleet = (metric: string): string =>
    messageFor(
      `apiVersion: heraklit/v1\nkind: Fleet\nimages: []\nrollout:\n  analysis:\n    metrics:\n      - ${metric}\n`,
      parseFleet,
    );
  const from = 'name: m, http: { url: "https://a.example/", pointer: "/x"';
  for (const [metric, expected] of [
    ['{ name: m, max: 1 }', /exactly one of prometheus, http, logs, restarts/],
    [`{ ${from} } }`, /at least one of min, max, compare/],
    ['{ name: m, restarts: true, compare: { factor: 2 } }', /restarts of a whole life/],
    [`{ ${from} }, compare: { worse: lower } }`, /one of "factor" and "difference"/],
    [`{ ${from}, auth: { tokenEnv: A, tokenFile: b } }, max: 1 }`, /exactly one of tokenEnv/],
    [`{ ${from}, auth: { passwordEnv: A } }, max: 1 }`, /goes with "username"/],
    [`{ ${from}, auth: { username: a, passwordEnv: A, header: X } }, max: 1 }`, /only a token goes/],
    [`{ ${from}, certFile: a } , max: 1 }`, /go together/],
    ['{ name: m, http: { url: "ftp://a", pointer: "" }, max: 1 }', /not http or https/],
    ['{ name: m, http: { url: "https://u:p@a/", pointer: "" }, max: 1 }', /names a user/],
    ['{ name: m, http: { url: "https://a/", pointer: "x" }, max: 1 }', /is no JSON pointer/],
    ['{ name: m, logs: { pattern: "(" }, max: 1 }', /is no regular expression/],
    ['{ name: m, prometheus: { url: "http://a", query: "up{a={{workload}}}" }, max: 1 }', /stands outside of quotes/],
    ['{ name: m, restarts: false, max: 1 }', /restarts/],
  ] as const) {
    assert.match(fleet(metric), expected, metric);
  }
});
