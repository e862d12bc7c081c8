import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LayerFiles, memoryImage } from '../../src/inventory/testing/memory-image.ts';
import { IMAGE_RULES, lintImage } from '../../src/lint/index.ts';
import type { RuntimeConfig } from '../../src/oci/index.ts';
import { parseReference } from '../../src/oci/index.ts';

interface Given {
  readonly layers?: readonly LayerFiles[];
  readonly config?: RuntimeConfig;
  readonly history?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly reference?: string;
}

const GOOD_CONFIG: RuntimeConfig = {
  User: '1000',
  Cmd: ['/app'],
  Labels: { 'org.opencontainers.image.source': 'https://example.com/app' },
};

async function lint(given: Given, ...ignored: string[]) {
  const layers = given.layers ?? [{ app: 'x' }];
  const image = memoryImage(layers, {
    config: {
      config: { ...GOOD_CONFIG, ...given.config },
      ...(given.history === undefined
        ? {}
        : { history: given.history.map((command) => ({ created_by: command, empty_layer: true })) }),
    },
    ...(given.annotations === undefined ? {} : { annotations: given.annotations }),
  });
  const reference = parseReference(given.reference ?? 'registry.example.com/app:1');
  return lintImage(image, reference, { ignored: new Set(ignored) });
}

const KEY = '-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n';
const many = (count: number): readonly LayerFiles[] => Array.from({ length: count }, (_, at) => ({ [`f${at}`]: 'x' }));

/** Rule → where it hits and what it says there, and where it must not. */
const EXAMPLES: Readonly<Record<string, readonly [bad: Given, says: RegExp, good: Given]>> = {
  'secret-file': [
    { layers: [{ 'root/.ssh/id_ed25519': KEY }, { 'root/.ssh/.wh.id_ed25519': '' }] },
    /^line 1 is a private key \(a later layer hides/,
    {
      layers: [
        {
          'etc/ssl/certs/ca.pem': '-----BEGIN CERTIFICATE-----\nabc\n',
          'app/.npmrc': `//registry.example.com/:_authToken=\${NPM_TOKEN}\nfund=false\n`,
          'app/config.json': '{"auth":"abcdefgh"}',
          'app/.env': 'DEBUG=1\nDB_PASSWORD=$DB\n',
        },
      ],
    },
  ],
  'account-without-password': [
    { layers: [{ 'etc/shadow': 'root:*:1:0:99999:7:::\nguest::1:0:99999:7:::\n' }] },
    /^no password: guest$/,
    { layers: [{ 'etc/shadow': 'root:*:1:0:99999:7:::\n', 'etc/passwd': 'root:x:0:0::/root:/bin/sh\n' }] },
  ],
  'second-root': [
    { layers: [{ 'etc/passwd': 'root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n' }] },
    /^user id 0: toor$/,
    { layers: [{ 'etc/passwd': 'toor:x:0:0::/:/x\n' }, { 'etc/passwd': 'root:x:0:0::/root:/bin/sh\n' }] },
  ],
  'setuid-file': [
    { layers: [{ 'usr/bin/su': { content: 'x', mode: 0o4755 } }] },
    /^set-user-id 0$/,
    { layers: [{ 'usr/bin/su': { content: 'x', mode: 0o4755 } }, { 'usr/bin/su': { content: 'x', mode: 0o755 } }] },
  ],
  'file-capability': [
    { layers: [{ 'usr/bin/ping': { content: 'x', mode: 0o755, xattrs: { 'security.capability': 'x' } } }] },
    /capabilities/,
    { layers: [{ 'usr/bin/ping': { content: 'x', mode: 0o755, xattrs: { 'user.note': 'x' } } }] },
  ],
  'world-writable': [
    { layers: [{ 'srv/': { content: '', mode: 0o777 } }] },
    /everybody may write and delete/,
    { layers: [{ 'tmp/': { content: '', mode: 0o1777 }, link: { symlink: 'x' } }] },
  ],
  'root-user': [{ config: { User: 'root:root' } }, /runs as "root:root"/, { config: { User: 'app' } }],
  'secret-variable': [
    { config: { Env: ['DB_PASSWORD=hunter2', 'URL=https://u:p@example.com/'] } },
    /^the variable (?:DB_PASSWORD|URL) holds a secret$/,
    { config: { Env: ['DB_PASSWORD=', 'DB_PASSWORD_FILE=/run/x', 'GPG_KEY=ABC', 'PATH=/bin'] } },
  ],
  'secret-history': [
    { history: ['RUN |1 API_TOKEN=abc /bin/sh -c make'] },
    /^step 1 of the history gives API_TOKEN away$/,
    {
      history: [
        'RUN |1 VERSION=1 /bin/sh -c make',
        'RUN --mount=type=secret,id=token API_TOKEN="$(cat /run/secrets/token)" x',
      ],
    },
  ],
  'latest-tag': [
    { reference: 'registry.example.com/app' },
    /tag latest/,
    { reference: `registry.example.com/app@sha256:${'a'.repeat(64)}` },
  ],
  'base-unpinned': [
    { annotations: { 'org.opencontainers.image.base.name': 'debian:13' } },
    /"debian:13" is named without a digest/,
    {
      annotations: {
        'org.opencontainers.image.base.name': 'debian:13',
        'org.opencontainers.image.base.digest': `sha256:${'a'.repeat(64)}`,
      },
    },
  ],
  'no-source': [{ config: { Labels: {} } }, /no source/, {}],
  'no-command': [{ config: { Cmd: [] } }, /no entry point/, { config: { Cmd: [], Entrypoint: ['/app'] } }],
  'ssh-port': [
    { config: { ExposedPorts: { '22/tcp': {} } } },
    /port 22/,
    { config: { ExposedPorts: { '8022/tcp': {} } } },
  ],
  'relative-path-entry': [
    { config: { Env: ['PATH=/bin:.:'] } },
    /"\.", ""/,
    { config: { Env: ['PATH=/bin:/usr/bin'] } },
  ],
  'many-layers': [{ layers: many(101) }, /^101 layers$/, { layers: many(3) }],
  'package-cache': [
    { layers: [{ 'var/lib/apt/lists/x_Packages': 'x'.repeat(100_000) }, { 'var/lib/apt/lists/.wh.x_Packages': '' }] },
    /^apt package lists, 0\.1 MiB: rm -rf/,
    { layers: [{ 'var/lib/apt/lists/lock': '' }] },
  ],
  'wasted-space': [
    { layers: [{ big: 'x'.repeat(12 * 1024 * 1024) }, { big: 'y' }] },
    /^12\.0 MiB of 12\.0 MiB are never seen/,
    { layers: [{ big: 'x'.repeat(12 * 1024 * 1024) }, { small: 'y' }] },
  ],
  shell: [{ layers: [{ 'usr/bin/dash': 'x' }] }, /usr\/bin\/dash/, { layers: [{ 'opt/bin/dash': 'x' }] }],
  'package-manager': [{ layers: [{ 'usr/bin/dpkg': 'x' }] }, /dpkg/, {}],
};

test('every rule has an example, but that on devices', () => {
  const rules = IMAGE_RULES.map(({ id }) => id).filter((id) => id !== 'device-node');
  assert.deepEqual(Object.keys(EXAMPLES).sort(), rules.sort());
});

for (const [rule, [bad, says, good]] of Object.entries(EXAMPLES)) {
  test(`${rule}: hits where it should, and only there`, async () => {
    const hits = (await lint(bad)).filter((problem) => problem.rule === rule);
    assert.ok(hits.length > 0, 'it hits');
    for (const { message } of hits) assert.match(message, says);
    assert.deepEqual(
      (await lint(good)).filter((problem) => problem.rule === rule),
      [],
    );
    assert.deepEqual(
      (await lint(bad, rule)).filter((problem) => problem.rule === rule),
      [],
    );
  });
}

test('kinds of secrets, and the line each stands in; what they say is nowhere', async () => {
  const secret = 's3cr3t-value';
  const problems = await lint({
    layers: [
      {
        'root/.docker/config.json': `{"auths":{"x":{\n"auth": "${secret}"}}}`,
        'root/.netrc': `machine example.com login me password ${secret}\n`,
        'root/.aws/credentials': `[default]\naws_access_key_id=AKIA\naws_secret_access_key=${secret}\n`,
        'root/.npmrc': `//registry.example.com/:_authToken=${secret}\n`,
        'root/.git-credentials': `https://me:${secret}@example.com\n`,
        'app/.env': `A=1\nexport API_TOKEN="${secret}"\n`,
        'root/.pypirc': `[pypi]\npassword = ${secret}\n`,
        'etc/ssl/private/x.key': '-----BEGIN ENCRYPTED PRIVATE KEY-----\n',
      },
    ],
    config: { Env: [`DB_PASSWORD=${secret}`] },
    history: [`RUN |1 API_TOKEN=${secret} /bin/sh -c make`],
  });
  assert.deepEqual(
    problems
      .filter(({ rule }) => rule === 'secret-file')
      .map(({ path, message }) => `${path}: ${message}`)
      .sort(),
    [
      'app/.env: line 2 is a token or password',
      'etc/ssl/private/x.key: line 1 is an encrypted private key',
      'root/.aws/credentials: line 3 is an AWS key',
      'root/.docker/config.json: line 2 is the password of a registry',
      'root/.git-credentials: line 1 is a password',
      'root/.netrc: line 1 is a password',
      'root/.npmrc: line 1 is a token of an npm registry',
      'root/.pypirc: line 2 is a password',
    ],
  );
  assert.ok(!JSON.stringify(problems).includes(secret));
});

test('many hits of one rule are told twenty times and counted', async () => {
  const files = Array.from({ length: 50 }, (_, at) => [`bin/p${at}`, { content: 'x', mode: 0o4755 }] as const);
  const hits = (await lint({ layers: [Object.fromEntries(files)] })).filter(({ rule }) => rule === 'setuid-file');
  assert.equal(hits.length, 21);
  assert.equal(hits.at(-1)?.message, 'and 30 more of these');
});
