/** Releases in a played API server, changed by a played helm: it renders what the real one would be asked to. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isHeraklitError } from '../../src/base/index.ts';
import { createHelmRuntime, type HelmRuntime, type RolloutRequest } from '../../src/runtime/index.ts';
import { openCli } from '../support/cli.ts';

const [OLD, NEW] = ['1', '2'].map((letter) => `sha256:${letter.repeat(64)}`) as [
  `sha256:${string}`,
  `sha256:${string}`,
];
const REPOSITORY = 'r.example/shop/web';

/** Reads the chart's values from where it is told, sets what it is told, and renders one image. Words are written down. */
const HELM = `#!/usr/bin/env node
const { appendFileSync, readFileSync, existsSync } = require('node:fs');
const words = process.argv.slice(2);
if (words[0] === 'version') { console.log('v3.17.2+gcc0bbbd'); process.exit(0); }
appendFileSync(process.env.HELM_LOG, JSON.stringify(words) + '\\n');
const mode = existsSync(process.env.HELM_MODE) ? readFileSync(process.env.HELM_MODE, 'utf8') : '';
const conflict = 'Error: conflict occurred while applying object shop/web: Apply failed with 1 conflict: conflict with "hpa": .spec.replicas';
if (mode === 'conflict' && !words.includes('--dry-run=server')) { console.error(conflict); process.exit(1); }
if (words[0] === 'rollback') process.exit(mode === 'stuck' ? 1 : 0);
const dry = words.includes('--dry-run=server');
if (mode === 'refuses' && dry) { console.error('Error: UPGRADE FAILED: template: token=abc'); process.exit(1); }
if ((mode === 'unhealthy' || mode === 'stuck') && !dry) { console.error('Error: UPGRADE FAILED: timed out waiting for the condition'); process.exit(1); }
const values = JSON.parse(readFileSync(words[2] + '/values.yaml', 'utf8'));
const image = { ...values.image };
for (const [at, word] of words.entries()) {
  if (word !== '--set-string') continue;
  const [key, value] = words[at + 1].split('=');
  image[key.split('.')[1]] = value;
}
if (mode === 'ignores') image.tag = 'fixed';
console.log(JSON.stringify({ manifest: 'kind: Deployment\\nspec:\\n  replicas: 2\\n  image: ' + image.repository + ':' + image.tag + '\\n' + (mode === 'labels' ? 'metadata:\\n  labels: { version: "' + image.tag + '" }\\n' : '') }));
`;

interface World {
  readonly runtime: HelmRuntime;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  words(): Promise<readonly (readonly string[])[]>;
  mode(text: string): Promise<void>;
  /** Of the newest revision. */
  status: string;
  forbidden: boolean;
  dependencies: readonly object[];
}

/** Revisions after the deployed one that the played helm has made and failed at. */
function failedUpgrades(folder: string): readonly number[] {
  const [log = '', mode = ''] = ['words', 'mode'].map((name) => {
    const file = join(folder, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  });
  if (!['unhealthy', 'stuck', 'conflict'].includes(mode)) return [];
  const begun = log.split('\n').filter((line) => line.startsWith('["upgrade"') && !line.includes('--dry-run'));
  return begun.map((_, at) => 5 + at);
}

async function world(context: TestContext): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-helm-'));
  const state = { status: 'deployed', forbidden: false, dependencies: [] as readonly object[] };
  const release = (version: number, status: string): object => ({
    ...{ name: 'web', namespace: 'shop', version, info: { status, last_deployed: '2030-01-01T00:00:00Z' } },
    config: { image: { repository: REPOSITORY } },
    manifest: `kind: Deployment\nspec:\n  replicas: 2\n  image: ${REPOSITORY}:1@${OLD}\n`,
    chart: {
      metadata: { name: 'web', apiVersion: 'v2', version: '1.0.0', dependencies: state.dependencies },
      values: { image: { repository: REPOSITORY, tag: `1@${OLD}` } },
      templates: [{ name: 'templates/web.yaml', data: Buffer.from('kind: Deployment').toString('base64') }],
    },
  });
  const secret = (version: number, status: string): object => ({
    metadata: {
      ...{ name: `sh.helm.release.v1.web.v${version}`, namespace: 'shop' },
      labels: { owner: 'helm', name: 'web', status, version: String(version) },
    },
    type: 'helm.sh/release.v1',
    data: {
      release: Buffer.from(gzipSync(JSON.stringify(release(version, status))).toString('base64')).toString('base64'),
    },
  });
  const broken = {
    metadata: {
      name: 'sh.helm.release.v1.bad.v1',
      namespace: 'shop',
      labels: { owner: 'helm', name: 'bad', status: 'deployed', version: '1' },
    },
    ...{ type: 'helm.sh/release.v1', data: { release: 'bm9uc2Vuc2U=' } },
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const selector = url.searchParams.get('labelSelector') ?? '';
    response.setHeader('content-type', 'application/json');
    if (state.forbidden) return response.writeHead(403).end('{"message":"forbidden"}');
    if (url.pathname.endsWith('/secrets')) {
      const all = [
        secret(3, 'superseded'),
        secret(4, 'deployed'),
        ...(state.status === 'deployed' ? [] : [secret(5, state.status)]),
      ];
      all.push(...failedUpgrades(folder).map((version) => secret(version, 'failed')));
      const listed = selector.includes('status=deployed') ? [secret(4, 'deployed'), broken] : all;
      return response.end(JSON.stringify({ items: listed, metadata: {} }));
    }
    if (url.pathname.endsWith('/pods')) {
      const image = `${REPOSITORY}:2@${NEW}`;
      const crash = { name: 'app', ready: false, restartCount: 4, state: { waiting: { reason: 'CrashLoopBackOff' } } };
      const pod = {
        // Another one each time, as after any change.
        metadata: { name: 'web-x', namespace: 'shop', uid: randomUUID() },
        spec: { containers: [{ name: 'app', image }] },
        status: { containerStatuses: [crash] },
      };
      return response.end(JSON.stringify({ items: [pod], metadata: {} }));
    }
    return response.writeHead(404).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
      clusters: [{ name: 'c', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'c', user: {} }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'c' } }],
    }),
  );
  const program = join(folder, 'helm');
  await writeFile(program, HELM);
  await chmod(program, 0o755);
  const log = join(folder, 'words');
  const mode = join(folder, 'mode');
  const environment = { HELM_LOG: log, HELM_MODE: mode, PATH: `${folder}${delimiter}${process.env.PATH ?? ''}` };
  Object.assign(process.env, { HELM_LOG: log, HELM_MODE: mode });
  const runtime = createHelmRuntime({ kubeconfig, program });
  context.after(async () => {
    await runtime.close();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  return Object.assign(state, {
    ...{ runtime, folder, environment },
    words: async () =>
      (await readFile(log, 'utf8').catch(() => ''))
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as string[]])),
    mode: async (text: string) => await writeFile(mode, text),
  });
}

async function request(runtime: HelmRuntime, more: Partial<RolloutRequest> = {}): Promise<RolloutRequest> {
  const [workload] = await runtime.list();
  assert.ok(workload);
  return { workload, image: `${REPOSITORY}@${NEW}`, digest: NEW, tag: '2', deadline: 5_000, ...more };
}

test('releases are listed by what their values name, and upgraded by helm', async (context) => {
  const { runtime, words, mode } = await world(context);
  assert.equal(await runtime.unavailable(), undefined);
  const [release, ...more] = await runtime.list();
  assert.deepEqual(more, [], 'a secret that holds no release is left out');
  assert.deepEqual([release?.id, release?.kind, release?.digest], ['helm:c/shop/web', 'HelmRelease', OLD]);
  assert.deepEqual(release?.containers, [{ name: 'image', image: `${REPOSITORY}:1@${OLD}`, digest: OLD }]);

  const same = await runtime.rollout(await request(runtime, { image: `${REPOSITORY}@${OLD}`, digest: OLD }));
  assert.equal(same.kind, 'unchanged');
  assert.deepEqual(await words(), []);

  const outcome = await runtime.rollout(await request(runtime));
  assert.equal(outcome.kind, 'rolledout', JSON.stringify(outcome));
  const [dry, real, ...rest] = await words();
  assert.deepEqual(rest, []);
  assert.deepEqual(dry?.slice(0, 2), ['upgrade', 'web']);
  assert.ok(dry?.includes('--dry-run=server') && !dry.includes('--wait'));
  assert.deepEqual(real?.slice(3, 10), [
    ...['--namespace', 'shop', '--reset-then-reuse-values', '--set-string', `image.tag=2@${NEW}`, '--output', 'json'],
  ]);
  assert.deepEqual(real?.slice(10, 13), ['--wait', '--timeout', '5s']);
  assert.equal(real?.[13], '--kubeconfig');

  const simulated = await runtime.simulate('shop/web', `${REPOSITORY}:2@${NEW}`);
  assert.deepEqual(
    simulated.lines.filter(({ kind }) => kind !== 'same'),
    [
      { kind: 'old', text: `  image: ${REPOSITORY}:1@${OLD}` },
      { kind: 'new', text: `  image: ${REPOSITORY}:2@${NEW}` },
    ],
  );
  await mode('unhealthy');
  const back = await runtime.rollout(await request(runtime));
  assert.equal(back.kind, 'rolledback');
  assert.ok('blame' in back && back.blame === 'image');
  assert.match(back.reason, /timed out waiting for the condition; web-x: CrashLoopBackOff, 4 restarts/);
  assert.deepEqual((await words()).at(-1)?.slice(0, 6), ['rollback', 'web', '4', '--namespace', 'shop', '--wait']);
});

test('what cannot be done is told before anything changes', async (context) => {
  const state = await world(context);
  const { runtime, mode, words } = state;
  const wanted = await request(runtime);
  const refusedWith = async (code: string, expected: RegExp): Promise<void> => {
    await assert.rejects(
      runtime.rollout(wanted),
      (error) => isHeraklitError(error, code) && expected.test(error.message),
    );
    assert.ok((await words()).every((one) => one.includes('--dry-run=server')));
  };
  await mode('refuses');
  await refusedWith('HELM_FAILED', /UPGRADE FAILED: template: token="\*\*\*"/);
  await mode('ignores');
  await refusedWith('HELM_VALUE_IGNORED', /makes no image sha256:2+ of image\.tag=2@/);
  await mode('labels');
  await refusedWith(
    'HELM_VALUE_MISUSED',
    /makes a label of image\.tag=2@sha256:2+ \(Deployment .*metadata\.labels\.version\)/,
  );
  await mode('');
  state.dependencies = [{ name: 'postgresql' }];
  await refusedWith('HELM_CHART_INCOMPLETE', /has dependencies/);
  state.dependencies = [];
  state.status = 'pending-upgrade';
  await refusedWith('HELM_BUSY', /is pending-upgrade since 2030/);
  state.status = 'deployed';
  const elsewhere = { ...wanted, container: 'api.image' };
  await assert.rejects(runtime.rollout(elsewhere), (error) => isHeraklitError(error, 'KUBERNETES_WORKLOAD_MISSING'));
  state.forbidden = true;
  assert.match((await runtime.unavailable()) ?? '', /answers 403 to a look at Helm's secrets/);
  state.forbidden = false;
  await mode('conflict');
  await assert.rejects(
    runtime.rollout(wanted),
    (error) => isHeraklitError(error, 'HELM_CONFLICT') && /stays as it is: .*"hpa"/.test(error.message),
  );
  await mode('stuck');
  await assert.rejects(runtime.rollout(wanted), (error) => isHeraklitError(error, 'HELM_ROLLBACK_INCOMPLETE'));
  const without = createHelmRuntime({
    kubeconfig: join(state.folder, 'kubeconfig'),
    program: join(state.folder, 'nothing'),
  });
  await assert.rejects(
    without.rollout(wanted),
    (error) => isHeraklitError(error, 'HELM_FAILED') && /ENOENT/.test(error.message),
  );
  await without.close();
});

test('heraklit helm: releases, and what would change', async (context) => {
  const { folder, environment } = await world(context);
  const cli = await openCli(context);
  const run = (...words: string[]) =>
    cli.run(['helm', ...words, '--kubeconfig', join(folder, 'kubeconfig')], { env: environment });
  const listed = await run('list');
  assert.equal(listed.code, 0, listed.stderr);
  assert.match(listed.stdout, /^RELEASE +PLACE +IMAGE\nhelm:c\/shop\/web +image +r\.example\/shop\/web:1@sha256:1+\n$/);
  const diff = await run('diff', 'web', '--image', `${REPOSITORY}:2@${NEW}`);
  assert.equal(diff.code, 0, diff.stderr);
  assert.deepEqual(diff.stdout.trimEnd().split('\n'), [
    ...['helm:c/shop/web, revision 4', `  image.tag=2@${NEW}`, '', ' kind: Deployment', ' spec:', '   replicas: 2'],
    ...[`-  image: ${REPOSITORY}:1@${OLD}`, `+  image: ${REPOSITORY}:2@${NEW}`],
  ]);
  assert.equal((await run('diff', 'nobody', '--image', `${REPOSITORY}@${NEW}`)).code, 2);
});
