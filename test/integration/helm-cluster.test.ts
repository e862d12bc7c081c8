/**
 * Releases of a real helm on a real API server: HERAKLIT_TEST_HELM names the programs (Helm 3 and 4),
 * docs/testing-on-kubernetes.md the control plane. Nothing is registered without both.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isHeraklitError } from '../../src/base/index.ts';
import { eventually, openTestCluster, type TestCluster } from '../support/cluster.ts';
import { BINARIES_VARIABLE } from '../support/control-plane/binaries.ts';
import { HELM_VARIABLE, type HelmWorld, openHelmWorld, writeTestChart } from '../support/helm-world.ts';
import { startRegistry } from './registry-process.ts';

const [NEW, OTHER] = ['2', '3'].map((letter) => `sha256:${letter.repeat(64)}`) as [string, string];
const WEB = 'r.example/shop/web';
const MAP = '{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}';
const plain = (repository = WEB) => ({ name: 'web', values: { image: { repository, tag: '' } }, images: [MAP] });

/** Values as usual charts have them, what the operator sets over them, where the image stands, and what is to run then. */
const SHAPES = {
  created: { chart: plain(), place: 'image', runs: [`${WEB}:2@${NEW}`], user: { replicas: 2 } },
  digest: {
    chart: {
      ...{ name: 'web', values: { image: { registry: 'r.example', repository: 'shop/web', tag: '1', digest: '' } } },
      images: [
        '{{ .Values.image.registry }}/{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag }}{{ end }}',
      ],
    },
    ...{ place: 'image', runs: [`${WEB}@${NEW}`], user: { extra: [{ a: 1 }] } },
  },
  global: {
    chart: {
      ...{
        name: 'web',
        values: { global: { imageRegistry: '' }, image: { registry: 'docker.io', repository: 'shop/web', tag: '1' } },
      },
      images: [
        '{{ .Values.global.imageRegistry | default .Values.image.registry }}/{{ .Values.image.repository }}:{{ .Values.image.tag }}',
      ],
    },
    ...{ place: 'image', runs: [`${WEB}:2@${NEW}`], user: { global: { imageRegistry: 'r.example' } } },
  },
  text: {
    chart: { name: 'web', values: { api: { image: `${WEB}:1` } }, images: ['{{ .Values.api.image }}'] },
    ...{ place: 'api.image', runs: [`${WEB}:2@${NEW}`], user: { api: { 'a.b': 'kept' } } },
  },
  list: {
    chart: {
      ...{ name: 'web', values: { cars: [{ image: 'r.example/a:1' }, { image: `${WEB}:1`, more: [1, null] }] } },
      images: ['{{ (index .Values.cars 0).image }}', '{{ (index .Values.cars 1).image }}'],
    },
    ...{ place: 'cars[1].image', runs: ['r.example/a:1', `${WEB}:2@${NEW}`], user: { replicas: 2 } },
  },
  userList: {
    chart: {
      ...{ name: 'web', values: { cars: [] as object[] } },
      images: [
        '{{ (index .Values.cars 0).image.name }}:{{ (index .Values.cars 0).image.tag }}',
        '{{ (index .Values.cars 1).image }}',
      ],
    },
    ...{ place: 'cars[0].image', runs: [`${WEB}:2@${NEW}`, 'r.example/b:7'] },
    user: {
      cars: [
        { image: { name: WEB, tag: '1' }, port: 80 },
        { image: 'r.example/b:7', secret: 'a,b=c' },
      ],
    },
  },
} as const;

function helmOnCluster(program: string): void {
  describe(`helm ${program.slice(program.lastIndexOf('/') + 1)} on a cluster`, { timeout: 600_000 }, () => {
    let cluster: TestCluster;
    let world: HelmWorld;
    before(async () => {
      const opened = await openTestCluster();
      if ('skip' in opened) throw new Error(opened.skip);
      cluster = opened;
      world = await openHelmWorld(cluster, program);
    });
    after(async () => {
      await world?.close();
      await cluster?.close();
    });
    const deployment = (release: string): string =>
      `/apis/apps/v1/namespaces/${cluster.namespace}/deployments/${release}-web`;
    const valuesOf = async (release: string, ...words: string[]): Promise<unknown> =>
      JSON.parse(await world.done('get', 'values', release, '--output', 'json', ...words));

    test('values of any shape: the image changes, and what the operator set stays', async () => {
      for (const [shape, { chart, place, runs, user }] of Object.entries(SHAPES)) {
        const release = shape.toLowerCase();
        await world.install(
          release,
          chart,
          ...Object.entries(user).flatMap(([key, value]) => ['--set-json', `${key}=${JSON.stringify(value)}`]),
        );
        const outcome = await world.rollout(release, `${WEB}@${NEW}`, { container: place });
        assert.equal(outcome.kind, 'rolledout', JSON.stringify(outcome));
        assert.deepEqual(await world.images(release), runs, shape);
        const kept = (await valuesOf(release)) as { cars?: object[] };
        if (shape === 'userList') {
          assert.deepEqual(kept.cars, [
            { image: { name: WEB, tag: `2@${NEW}` }, port: 80 },
            { image: 'r.example/b:7', secret: 'a,b=c' },
          ]);
        } else if (shape === 'list') {
          assert.deepEqual(kept.cars, [{ image: 'r.example/a:1' }, { image: `${WEB}:2@${NEW}`, more: [1, null] }]);
        } else assert.partialDeepStrictEqual(kept, user);
        assert.equal((await world.rollout(release, `${WEB}@${NEW}`, { container: place })).kind, 'unchanged');
        assert.deepEqual(await world.history(release), ['superseded', 'deployed']);
      }
    });

    test('a bad image is taken back at once, and says whether it is to blame', async () => {
      await world.install('bad', plain(), '--set', 'replicas=2');
      const crashed = await world.rollout('bad', `${WEB}-crash@${NEW}`);
      assert.equal(crashed.kind, 'rolledback', JSON.stringify(crashed));
      assert.ok('blame' in crashed && crashed.blame === 'image');
      assert.match(crashed.reason, /CrashLoopBackOff, 4 restarts/);
      assert.ok(crashed.milliseconds < 60_000, 'its deadline of two minutes was not waited for');
      assert.deepEqual(await world.images('bad'), [`${WEB}:1`]);
      assert.deepEqual(await valuesOf('bad'), { replicas: 2 });
      const missing = await world.rollout('bad', `${WEB}@sha256:${'0'.repeat(64)}`, { deadline: 2_000 });
      assert.ok(missing.kind === 'rolledback' && missing.blame === 'environment', JSON.stringify(missing));
      assert.deepEqual(await world.history('bad'), ['superseded', 'failed', 'superseded', 'failed', 'deployed']);
    });

    test('what is under way is left; what was left half-way by us is done again', async () => {
      await world.install('busy', plain());
      const words = ['upgrade', 'busy', join(world.folder, 'charts/busy'), '--set-string', `image.tag=2@${NEW}`];
      const chart = ['--set', `image.repository=${WEB}-unready`, '--wait', '--timeout', '300s'];
      const begin = async () => {
        const child = execFile(program, [
          ...words,
          ...chart,
          '-n',
          cluster.namespace,
          '--kubeconfig',
          cluster.kubeconfig,
        ]);
        const ended = once(child, 'close');
        await eventually(
          () => world.images('busy'),
          ([image]) => image === `${WEB}-unready:2@${NEW}`,
        );
        return { child, ended };
      };
      const theirs = await begin();
      const refused = (error: unknown): boolean => isHeraklitError(error, 'HELM_BUSY');
      await assert.rejects(world.rollout('busy', `${WEB}@${OTHER}`), refused);
      await assert.rejects(world.runtime.simulate('busy', `${WEB}:2@${OTHER}`), refused);
      assert.equal((await world.history('busy')).at(-1), 'pending-upgrade');
      theirs.child.kill('SIGKILL');
      await theirs.ended;
      // To another image it may be anybody's, whatever its age.
      await assert.rejects(world.rollout('busy', `${WEB}@${OTHER}`, { deadline: 1 }), refused);
      await assert.rejects(world.rollout('busy', `${WEB}@${NEW}`), refused);
      const age = async (): Promise<boolean> =>
        await world.rollout('busy', `${WEB}@${NEW}`, { deadline: 10_000 }).then(
          ({ kind }) => kind === 'rolledout',
          (error: unknown) => !refused(error) && Promise.reject(error),
        );
      await eventually(age, (done) => done, 180_000);
      assert.deepEqual(await world.images('busy'), [`${WEB}:2@${NEW}`]);
      assert.equal((await world.history('busy')).at(-1), 'deployed');
    });

    test('two at once: one rolls, the other leaves it alone', async () => {
      await world.install('twice', plain());
      const second = await openHelmWorld(cluster, program);
      const both = await Promise.allSettled([
        world.rollout('twice', `${WEB}@${NEW}`),
        second.rollout('twice', `${WEB}@${NEW}`),
      ]);
      await second.close();
      for (const one of both) {
        if (one.status === 'rejected') assert.ok(isHeraklitError(one.reason, 'HELM_BUSY'), String(one.reason));
        else assert.match(one.value.kind, /^(?:rolledout|unchanged|overtaken)$/);
      }
      assert.ok(
        both.some((one) => one.status === 'fulfilled' && one.value.kind === 'rolledout'),
        JSON.stringify(both),
      );
      assert.deepEqual(await world.images('twice'), [`${WEB}:2@${NEW}`]);
    });

    test('who rolls back by hand meanwhile is not overruled', async () => {
      await world.install('hand', plain());
      const rolling = world.rollout('hand', `${WEB}-unready@${NEW}`, { deadline: 20_000 });
      await eventually(
        () => world.images('hand'),
        ([image]) => image !== `${WEB}:1`,
      );
      await world.done('rollback', 'hand', '1');
      const outcome = await rolling;
      assert.equal(outcome.kind, 'overtaken', JSON.stringify(outcome));
      assert.deepEqual(await world.images('hand'), [`${WEB}:1`]);
    });

    test('fields: ours from before are handed over, those of others are theirs', async () => {
      await world.install('fields', plain());
      const apply = async (manager: string, spec: object) => {
        const body = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'fields-web' }, spec };
        const path = `${deployment('fields')}?fieldManager=${manager}&force=true`;
        assert.equal((await cluster.api.call('PATCH', path, body, 'application/apply-patch+yaml')).status, 200);
      };
      await apply('heraklit', { template: { spec: { containers: [{ name: 'c0', image: `${WEB}:3@${OTHER}` }] } } });
      const outcome = await world.rollout('fields', `${WEB}@${NEW}`);
      assert.equal(outcome.kind, 'rolledout', JSON.stringify(outcome));
      assert.deepEqual(await world.images('fields'), [`${WEB}:2@${NEW}`]);
      await apply('somebody', { replicas: 3 });
      const next = world.rollout('fields', `${WEB}@${OTHER}`);
      // Helm 3 does not apply on the server: it knows no owners.
      if ((await world.done('version', '--short')).startsWith('v3')) assert.equal((await next).kind, 'rolledout');
      else {
        await assert.rejects(
          next,
          (error) => isHeraklitError(error, 'HELM_CONFLICT') && /"somebody".*replicas/.test(error.message),
        );
        assert.deepEqual(await world.images('fields'), [`${WEB}:2@${NEW}`]);
      }
    });

    test('charts with dependencies come from a registry', async (context) => {
      const registry = await startRegistry();
      context.after(() => registry.close());
      const at = join(world.folder, 'shop');
      await writeTestChart(join(at, 'charts/db'), { ...plain('r.example/db'), name: 'db' });
      await writeTestChart(join(at, 'charts/off'), { ...plain('r.example/off'), name: 'off' });
      const dependencies = [
        { name: 'db', version: '1.0.0' },
        { name: 'off', version: '1.0.0', condition: 'off.enabled' },
      ];
      const values = { off: { enabled: false }, image: { repository: WEB } };
      await writeTestChart(at, { name: 'shop', values, images: [`${WEB}:1`], metadata: { dependencies } });
      await world.done('package', at);
      const plainly = ['--plain-http'];
      const pushed = await world.helm('push', 'shop-1.0.0.tgz', `oci://${registry.host}/charts`, ...plainly);
      assert.equal(pushed.code, 0, pushed.stderr);
      const chart = `oci://${registry.host}/charts/shop`;
      await world.done('install', 'deps', chart, '--version', '1.0.0', '--wait', '--timeout', '120s', ...plainly);
      const listed = (await world.runtime.list()).find(({ name }) => name === 'deps');
      assert.deepEqual(
        listed?.containers.map(({ name }) => name),
        ['db.image'],
      );
      await assert.rejects(world.rollout('deps', `r.example/db@${NEW}`), (error) =>
        isHeraklitError(error, 'HELM_CHART_INCOMPLETE'),
      );
      const named = await openHelmWorld(cluster, program, { [`${cluster.namespace}/deps`]: `${chart} 1.0.0` });
      context.after(() => named.close());
      const outcome = await named.rollout('deps', `r.example/db@${NEW}`);
      assert.equal(outcome.kind, 'rolledout', JSON.stringify(outcome));
      assert.deepEqual(await world.images('deps', 'db'), [`r.example/db:2@${NEW}`]);
      assert.deepEqual(await world.images('deps', 'shop'), [`${WEB}:1`]);
    });

    test('a dry run shows what changes, no secret, and refuses what the API server would', async () => {
      const secret =
        'apiVersion: v1\nkind: Secret\nmetadata: { name: "{{ .Release.Name }}" }\nstringData: { key: "{{ .Values.image.tag }}", fixed: hunter2 }\n';
      await world.install('dry', { ...plain(), files: { 'templates/secret.yaml': secret } });
      const { lines } = await world.runtime.simulate('dry', `${WEB}:2@${NEW}`);
      const changed = lines.filter(({ kind }) => kind !== 'same').map(({ kind, text }) => `${kind} ${text.trim()}`);
      assert.equal(changed.length, 4, changed.join('\n'));
      assert.match(
        changed.join('\n'),
        /^old key: "?\*\*\* [0-9a-f]{12}"?\nnew key: "?\*\*\* [0-9a-f]{12}"?\nold - \{ name: c0.*\nnew .*@sha256:2+" \}$/,
      );
      assert.doesNotMatch(lines.map(({ text }) => text).join('\n'), /hunter2/);
      assert.deepEqual(await world.history('dry'), ['deployed']);
      const label = '{{ .Values.image.tag | default .Chart.AppVersion }}';
      const map = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}", labels: { version: "${label}" } }\n`;
      await world.install('label', { ...plain(), files: { 'templates/map.yaml': map } });
      await assert.rejects(
        world.rollout('label', `${WEB}@${NEW}`),
        (error) =>
          isHeraklitError(error, 'HELM_VALUE_MISUSED') &&
          /ConfigMap label: metadata\.labels\.version/.test(error.message),
      );
      assert.deepEqual(await world.history('label'), ['deployed']);
    });

    test('an operator who keeps more revisions than helm by itself keeps them', async () => {
      const one = plain();
      await world.install('long', one);
      const chart = join(world.folder, 'charts/long');
      for (let at = 0; at < 11; at += 1)
        await world.done('upgrade', 'long', chart, '--history-max', '0', '--set', `n=${at}`);
      assert.equal((await world.rollout('long', `${WEB}@${NEW}`)).kind, 'rolledout');
      assert.equal((await world.history('long')).length, 13);
    });
  });
}

const programs = (process.env[HELM_VARIABLE] ?? '').split(delimiter).filter((one) => one !== '');
if (process.env.KUBECONFIG !== undefined || process.env[BINARIES_VARIABLE] !== undefined)
  for (const one of programs) helmOnCluster(one);
