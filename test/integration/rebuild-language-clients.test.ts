/** The clients themselves behind the recording proxy, against indexes of our own on loopback: recorded, locked, replayed. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLog } from '../../src/base/index.ts';
import { createAuthority } from '../../src/build/rebuild/snapshot/certificates.ts';
import { type ContentStore, openContentStore } from '../../src/build/rebuild/snapshot/content-store.ts';
import { createLockedSnapshot } from '../../src/build/rebuild/snapshot/locked.ts';
import { startSnapshotProxy } from '../../src/build/rebuild/snapshot/proxy.ts';
import { createRecorder } from '../../src/build/rebuild/snapshot/record.ts';
import type { LockedResource, Snapshot } from '../../src/build/rebuild/snapshot/types.ts';
import { fetchUpstream } from '../../src/build/rebuild/snapshot/upstream.ts';
import { verifyResources } from '../../src/build/rebuild/snapshot/verify.ts';

/** A client, with the proxy's address and the authority's certificate; its exit code and what it said. */
type Client = (proxy: string, certificate: string) => Promise<{ readonly code: number; readonly output: string }>;

interface World {
  readonly folder: string;
  readonly content: ContentStore;
  /** Runs a client against a snapshot. */
  behind(snapshot: Snapshot, client: Client): ReturnType<Client>;
  /** Runs it while recording what an index answers. */
  record(listener: RequestListener, client: Client): Promise<readonly LockedResource[]>;
}

function openWorld(context: TestContext): World {
  const folder = mkdtempSync(join(tmpdir(), 'language-clients-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const content = openContentStore(join(folder, 'content'));
  let proxies = 0;
  const behind: World['behind'] = async (snapshot, client) => {
    proxies += 1;
    const authority = createAuthority();
    const certificate = join(folder, `ca-${proxies}.pem`);
    writeFileSync(certificate, authority.certificate);
    const socket = join(folder, `${proxies}.sock`);
    const proxy = await startSnapshotProxy(socket, snapshot, authority);
    const relay = createTcpServer((incoming) => {
      const outgoing = connect(socket);
      for (const [from, to] of [[incoming, outgoing] as const, [outgoing, incoming] as const])
        from.on('error', () => to.destroy()).pipe(to);
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    try {
      return await client(`http://127.0.0.1:${(relay.address() as AddressInfo).port}`, certificate);
    } finally {
      relay.close();
      await proxy.close();
    }
  };
  return {
    folder,
    content,
    behind,
    async record(listener, client) {
      const server = createServer(listener);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const route = (url: URL): readonly URL[] => [new URL(url.pathname + url.search, origin)];
      const recorder = createRecorder({ content, fetch: fetchUpstream, allowed: [], route });
      try {
        const { code, output } = await behind(recorder, client);
        assert.equal(code, 0, output);
      } finally {
        server.closeAllConnections();
        server.close();
      }
      assert.deepEqual(recorder.refusals(), []);
      return verifyResources(recorder.resources(), content, [], silentLog);
    },
  };
}

const run = (argv: readonly string[], env: Readonly<Record<string, string>>): ReturnType<Client> =>
  new Promise((resolve) => {
    const [program = '', ...rest] = argv;
    const own = { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', ...env };
    execFile(program, rest, { env: own }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code) || 1, output: stdout + stderr }),
    );
  });

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A wheel as the binary distribution format has it, by Python's own zipfile. */
function buildWheel(folder: string, name: string, requires: string): Buffer {
  const program = `
import sys, zipfile
name, requires, path = sys.argv[1:]
info = name + '-1.0.dist-info/'
with zipfile.ZipFile(path, 'w') as wheel:
    wheel.writestr(name + '/__init__.py', 'VALUE = "' + name + '"\\n')
    wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: ' + name + '\\nVersion: 1.0\\n' + requires)
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr(info + 'RECORD', name + '/__init__.py,,\\n' + info + 'METADATA,,\\n' + info + 'WHEEL,,\\n' + info + 'RECORD,,\\n')
`;
  const path = join(folder, `${name}-1.0-py3-none-any.whl`);
  const made = spawnSync('/usr/bin/python3', ['-c', program, name, requires, path], { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  return readFileSync(path);
}

test('pip: an index in JSON and in HTML, recorded by its hashes, and installed again from the lock alone', async (context) => {
  if (spawnSync('/usr/bin/python3', ['-m', 'pip', '--version']).status !== 0)
    return context.skip('python3-pip not installed');
  const world = openWorld(context);
  const files = new Map([
    ['app', buildWheel(world.folder, 'app', 'Requires-Dist: part==1.0\n')],
    ['part', buildWheel(world.folder, 'part', '')],
  ]);
  const listener: RequestListener = ({ url = '' }, response) => {
    const name = /^\/(?:simple|files)\/(app|part)/.exec(url)?.[1] ?? '';
    const bytes = files.get(name) ?? Buffer.alloc(0);
    const file = `${name}-1.0-py3-none-any.whl`;
    response.setHeader('vary', 'Accept');
    if (url.startsWith('/files/')) response.setHeader('content-type', 'application/zip').end(bytes);
    // PEP 691 for one, PEP 503 for the other.
    else if (url === '/simple/app/')
      response.setHeader('content-type', 'application/vnd.pypi.simple.v1+json').end(
        JSON.stringify({
          meta: { 'api-version': '1.0' },
          name,
          files: [{ filename: file, url: `/files/${file}`, hashes: { sha256: sha256(bytes) } }],
        }),
      );
    else if (url === '/simple/part/')
      response
        .setHeader('content-type', 'text/html')
        .end(
          `<!DOCTYPE html><html><body><a href="../../files/${file}#sha256=${sha256(bytes)}">${file}</a></body></html>`,
        );
    else response.writeHead(404).end();
  };
  const install =
    (target: string): Client =>
    (proxy, certificate) =>
      run(
        [
          ...['/usr/bin/python3', '-m', 'pip', 'install', '--no-cache-dir', '--target', join(world.folder, target)],
          ...['--index-url', 'https://python.example.com/simple/', '--retries', '0', 'app'],
        ],
        { https_proxy: proxy, PIP_CERT: certificate, PIP_DISABLE_PIP_VERSION_CHECK: '1', HOME: world.folder },
      );
  const resources = await world.record(listener, install('recorded'));
  const wheels = resources.filter(({ url }) => url.endsWith('.whl'));
  assert.deepEqual(
    wheels.map(({ url, by }) => `${url} ${by}`),
    ['app', 'part'].map(
      (name) => `https://python.example.com/files/${name}-1.0-py3-none-any.whl Python index by https`,
    ),
  );
  const again = await world.behind(createLockedSnapshot({ resources, content: world.content }), install('replayed'));
  assert.equal(again.code, 0, again.output);
  assert.match(readFileSync(join(world.folder, 'replayed', 'part', '__init__.py'), 'utf8'), /VALUE = "part"/);
  const fewer = createLockedSnapshot({
    resources: resources.filter(({ url }) => !url.includes('part')),
    content: world.content,
  });
  const refused = await world.behind(fewer, install('refused'));
  assert.notEqual(refused.code, 0);
  assert.ok(fewer.refusals().some(({ what }) => what === 'GET https://python.example.com/simple/part/'));
});

test('npm: documents and archives, recorded by their integrity, and installed again from the lock alone', async (context) => {
  if (spawnSync('npm', ['--version']).status !== 0) return context.skip('npm not installed');
  const world = openWorld(context);
  const archives = new Map<string, Buffer>();
  for (const [name, dependencies] of [
    ['app', { part: '^1.0.0' }],
    ['part', {}],
  ] as const) {
    const source = join(world.folder, `source-${name}`);
    await mkdir(source);
    writeFileSync(join(source, 'package.json'), JSON.stringify({ name, version: '1.0.0', dependencies }));
    writeFileSync(join(source, 'index.js'), `module.exports = '${name}';\n`);
    const packed = await run(['npm', 'pack', '--silent', '--pack-destination', world.folder, source], {
      HOME: world.folder,
    });
    assert.equal(packed.code, 0, packed.output);
    archives.set(name, readFileSync(join(world.folder, `${name}-1.0.0.tgz`)));
  }
  const listener: RequestListener = ({ url = '' }, response) => {
    const name = /^\/(app|part)/.exec(url)?.[1] ?? '';
    const bytes = archives.get(name);
    if (bytes === undefined) return void response.writeHead(404).end('{}');
    if (url.endsWith('.tgz')) return void response.setHeader('content-type', 'application/octet-stream').end(bytes);
    const dist = {
      tarball: `https://npm.example.com/${name}/-/${name}-1.0.0.tgz`,
      integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
    };
    const dependencies = name === 'app' ? { part: '^1.0.0' } : {};
    const versions = { '1.0.0': { name, version: '1.0.0', dependencies, dist } };
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, versions }));
  };
  const install =
    (target: string): Client =>
    async (proxy, certificate) => {
      const prefix = join(world.folder, target);
      await mkdir(prefix);
      writeFileSync(join(prefix, 'package.json'), '{"name":"x","version":"1.0.0"}');
      return run(['npm', 'install', '--prefix', prefix, '--cache', join(prefix, 'cache'), 'app'], {
        HOME: prefix,
        npm_config_registry: 'https://npm.example.com/',
        npm_config_proxy: proxy,
        npm_config_https_proxy: proxy,
        npm_config_cafile: certificate,
        npm_config_audit: 'false',
        npm_config_fund: 'false',
        npm_config_update_notifier: 'false',
        npm_config_fetch_retries: '0',
      });
    };
  const resources = await world.record(listener, install('recorded'));
  const tarballs = resources.filter(({ url }) => url.endsWith('.tgz'));
  assert.deepEqual(
    tarballs.map(({ url, by }) => `${url} ${by}`),
    ['app', 'part'].map((name) => `https://npm.example.com/${name}/-/${name}-1.0.0.tgz npm integrity by https`),
  );
  const again = await world.behind(createLockedSnapshot({ resources, content: world.content }), install('replayed'));
  assert.equal(again.code, 0, again.output);
  const main = join(world.folder, 'replayed', 'node_modules', 'part', 'index.js');
  assert.equal(readFileSync(main, 'utf8'), "module.exports = 'part';\n");
  const fewer = createLockedSnapshot({
    resources: resources.filter(({ url }) => !url.includes('part')),
    content: world.content,
  });
  assert.notEqual((await world.behind(fewer, install('refused'))).code, 0);
  assert.ok(fewer.refusals().some(({ what }) => what === 'GET https://npm.example.com/part'));
});
