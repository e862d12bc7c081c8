/** A push → webhook → build → word at the commit, through a real git server, a forge's API and `heraklit serve`, killed on the way. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCli } from '../support/cli.ts';
import { buildMirror, createSigner, type TestPackage, writeMirror } from '../support/debian-mirror.ts';
import { commitFiles, newRepository, startGitServer } from '../support/git-server.ts';

const SECRET = 'webhook secret';
const sign = (body: string): string =>
  execFileSync('openssl', ['dgst', '-sha256', '-hmac', SECRET, '-r'], { input: body }).toString().slice(0, 64);
const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
const pkg: TestPackage = {
  control: {
    Package: 'calm',
    Version: '1',
    Architecture: 'amd64',
    Maintainer: 'T <t@example.org>',
    Description: 'calm',
  },
};
const recipe = (text: string): string =>
  `apiVersion: heraklit/v1\nkind: Image\nname: web\ndistribution: debian/trixie\nscripts: none\npackages: [calm]\nfiles: [{ path: /greeting, content: "${text}" }]\n`;

test('a push is built and its commit told, also when the server dies in between', async (context) => {
  const cli = await openCli(context);
  const signer = await createSigner();
  const suites = ['trixie', 'trixie-updates', 'trixie-security'];
  const mirror = await buildMirror(
    suites.map((suite) => ({ suite, packages: suite === 'trixie' ? [pkg] : [] })),
    signer.sign,
    Date.now(),
  );
  await writeMirror(mirror, join(cli.root, 'mirror'));
  await writeFile(join(cli.root, 'key.asc'), signer.armored);
  await mkdir(join(cli.root, 'git/team'), { recursive: true });
  const work = newRepository(join(cli.root, 'git'), 'team/app', { 'image/web.yaml': recipe('one') });
  const statuses: {
    readonly commit: string;
    readonly state: string;
    readonly target_url: string;
    readonly description: string;
  }[] = [];
  let failures = 0;
  const server = await startGitServer(join(cli.root, 'git'), {
    intercept: (request, response) => {
      const commit = /^\/api\/v1\/repos\/team\/app\/statuses\/([0-9a-f]{40})$/.exec(request.url ?? '')?.[1];
      if (commit === undefined) return false;
      let text = '';
      request.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      request.on('end', () => {
        const away = failures > 0;
        failures -= 1;
        if (!away) statuses.push({ commit, ...JSON.parse(text) });
        response.writeHead(away ? 502 : 201, { 'content-type': 'application/json' }).end('{}');
      });
      return true;
    },
  });
  context.after(() => server.close());
  for (const [name, text] of Object.entries({ token: 'forge token\n', secret: `${SECRET}\n` }))
    await writeFile(join(cli.root, name), text);
  await writeFile(
    join(cli.root, 'heraklit.yaml'),
    `apiVersion: heraklit/v1
kind: Fleet
distributions: { debian/trixie: { mirrors: ["file://${join(cli.root, 'mirror')}/debian"] } }
forges: [{ type: gitea, url: "${server.url}", tokenFile: token, webhookSecretFile: secret }]
images:
  - name: web
    source: { git: { url: "${server.url}/team/app.git", ref: main, path: image, insecure: true } }
    recipe: web.yaml
`,
  );
  const planned = await cli.run(['plan', '--keyring', 'key.asc', '--format', 'json']);
  assert.equal(JSON.parse(planned.stdout).tasks[0].reason, 'new build', planned.stderr);

  const serve = async () => {
    let kill: (signal: NodeJS.Signals) => void = () => undefined;
    const file = join(cli.home, 'serve.json');
    const before = await readFile(file, 'utf8').catch(() => '');
    const words = [
      'serve',
      'heraklit.yaml',
      '--port',
      '0',
      '--keyring',
      'key.asc',
      '--no-rollout',
      '--interval',
      '3600',
    ];
    const ended = cli.run(words, {
      started: (child) => {
        kill = child.kill.bind(child);
      },
    });
    ended.then(
      () => undefined,
      () => undefined,
    );
    let gone: string | undefined;
    ended.then(
      ({ stderr }) => {
        gone = stderr;
      },
      () => undefined,
    );
    let text = before;
    while (text === before || text === '') {
      assert.equal(gone, undefined, gone);
      await tick();
      text = await readFile(file, 'utf8').catch(() => '');
    }
    return { url: (JSON.parse(text) as { url: string }).url, kill: (signal: NodeJS.Signals) => kill(signal), ended };
  };
  const said = async (commit: string, state: string): Promise<void> => {
    while (!statuses.some((one) => one.commit === commit && one.state === state)) await tick();
  };
  const push = async (url: string, id: string, commit: string, change: object = {}) => {
    const repository = { full_name: 'team/app', clone_url: `${server.url}/team/app.git` };
    const body = JSON.stringify({
      ref: 'refs/heads/main',
      before: '0'.repeat(40),
      after: commit,
      repository,
      ...change,
    });
    const headers = {
      'content-type': 'application/json',
      'x-gitea-event': 'push',
      'x-gitea-delivery': id,
      'x-gitea-signature': sign(body),
    };
    const answer = await fetch(`${url}/api/v1/webhooks/gitea`, { method: 'POST', headers, body });
    return { status: answer.status, body: (await answer.json()) as { result?: string } };
  };
  const first = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: work, encoding: 'utf8' }).trim();
  const one = await serve();
  await said(first, 'success');
  const before = await (await fetch(`${one.url}/v2/web/manifests/latest`)).text();

  // The forge is away when there is something to say, and the server dies as soon as it has taken the webhook.
  failures = 1;
  const second = commitFiles(work, { 'image/web.yaml': recipe('two') }, 'two');
  assert.deepEqual((await push(one.url, 'd-1', second)).body, { result: 'accepted', images: ['web'] });
  one.kill('SIGKILL');
  await one.ended;
  const two = await serve();
  assert.deepEqual((await push(two.url, 'd-1', second)).body, { result: 'duplicate' });
  await said(second, 'success');
  assert.notEqual(await (await fetch(`${two.url}/v2/web/manifests/latest`)).text(), before);
  assert.ok(statuses.some((status) => status.commit === second && status.target_url.includes('image=web')));

  // Nothing that the image is made of: success all the same. A broken recipe: failure, and the image stays.
  const third = commitFiles(work, { 'README.md': 'hello\n' }, 'three');
  await push(two.url, 'd-2', third);
  await said(third, 'success');
  assert.match(statuses.findLast(({ commit }) => commit === third)?.description ?? '', /did not change/);
  const now = await (await fetch(`${two.url}/v2/web/manifests/latest`)).text();
  const fourth = commitFiles(work, { 'image/web.yaml': 'kind: nonsense\n' }, 'four');
  await push(two.url, 'd-3', fourth);
  await said(fourth, 'failure');
  assert.equal(await (await fetch(`${two.url}/v2/web/manifests/latest`)).text(), now);
  const fifth = commitFiles(work, { 'image/web.yaml': recipe('five') }, 'five');
  await push(two.url, 'd-4', fifth);
  await said(fifth, 'success');
  // A build of before is made again from what the home keeps: its server and its commit may be gone.
  const manifest = await fetch(`${two.url}/v2/web/manifests/latest`);
  const digest = manifest.headers.get('docker-content-digest') ?? '';
  commitFiles(work, { 'image/web.yaml': recipe('six') }, 'six');
  await server.close();
  const exported = await cli.run(['source', 'export', digest, '-o', 'again']);
  assert.equal(exported.code, 0, exported.stderr);
  assert.match(await readFile(join(cli.root, 'again/web.yaml'), 'utf8'), /"five"/);
  const words = [
    '--locked',
    '--offline',
    '--keyring',
    'key.asc',
    '--mirror',
    `file://${join(cli.root, 'mirror')}/debian`,
  ];
  const rebuilt = await cli.run(['build', 'again/web.yaml', ...words, '-o', 'oci:out:web', '--format', 'json']);
  assert.equal(JSON.parse(rebuilt.stdout || '{}').digest, digest, rebuilt.stderr);
  two.kill('SIGTERM');
  const { stderr } = await two.ended;
  assert.ok(!stderr.includes('forge token') && !stderr.includes(SECRET));
});
