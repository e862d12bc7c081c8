import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Digest, digestOf, serialize } from '../../src/oci/index.ts';
import { createRegistryClient } from '../../src/registry/index.ts';
import { assertRefused, type Cli, filesBelow, openCli } from '../support/cli.ts';
import { startRegistry, type TestRegistry } from './registry-process.ts';

let registry: TestRegistry;
before(async () => {
  registry = await startRegistry();
});
after(() => registry.close());

interface Facts {
  readonly reference: string;
  readonly subject?: string;
  readonly descriptor: { readonly digest: Digest; readonly artifactType: string };
  readonly files: readonly { readonly mediaType: string; readonly annotations: Record<string, string> }[];
}

/** Names are relative to the folder the command runs in, which is the test's own. */
const given = async (cli: Cli, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(cli.root, path, '..'), { recursive: true });
    await writeFile(join(cli.root, path), content);
  }
};

const ran = async (cli: Cli, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> => {
  const ended = await cli.run(['artifact', ...args], { env });
  assert.equal(ended.code, 0, ended.stderr);
  return ended.stdout;
};

for (const kind of ['registry', 'layout'] as const) {
  test(`files, folders and what refers to them go into a ${kind} and come back`, async (context) => {
    const cli = await openCli(context);
    const at = kind === 'registry' ? `${registry.host}/team/rules` : `oci:${join(cli.root, 'layout')}`;
    await given(cli, {
      'rules.yaml': 'a: 1\n',
      'sub/data.bin': 'x'.repeat(300_000),
      'set/one': '1',
      'set/deep/two': '2',
    });
    await symlink('deep/two', join(cli.root, 'set/link'));

    const type = 'application/vnd.example.rules';
    const push = ['push', `${at}:1`, 'rules.yaml', 'sub/data.bin:application/x-data', 'set'];
    const pushed = JSON.parse(await ran(cli, [...push, '--artifact-type', type, '--format', 'json'])) as Facts;
    assert.equal(pushed.descriptor.artifactType, type);
    assert.deepEqual(
      pushed.files.map(({ mediaType }) => mediaType),
      ['application/yaml', 'application/x-data', 'application/vnd.oci.image.layer.v1.tar+gzip'],
    );

    await ran(cli, ['pull', `${at}:1`, '-o', 'out']);
    assert.deepEqual(await filesBelow(join(cli.root, 'out')), [
      'rules.yaml',
      'set/deep/two',
      'set/link',
      'set/one',
      'sub/data.bin',
    ]);
    assert.equal(await readFile(join(cli.root, 'out/set/link'), 'utf8'), '2');
    await ran(cli, ['pull', `${at}:1`, '-o', 'out']);
    assertRefused(await cli.run(['artifact', 'pull', `${at}:1`, '-o', 'out', '--keep']), {
      code: 'ARTIFACT_FILE_EXISTS',
      exit: 2,
    });

    await given(cli, { 'rules.spdx.json': '{}', note: 'of the SBOM' });
    const attached = JSON.parse(await ran(cli, ['attach', `${at}:1`, 'rules.spdx.json', '--format', 'json'])) as Facts;
    assert.equal(attached.descriptor.artifactType, 'application/spdx+json');
    assert.equal(attached.subject, pushed.descriptor.digest);
    if (kind === 'registry') await ran(cli, ['attach', `${at}@${attached.descriptor.digest}`, 'note']);
    const tree = await ran(cli, ['discover', `${at}:1`]);
    assert.match(tree, new RegExp(`└─ application/spdx\\+json {2}${attached.descriptor.digest}`));
    if (kind === 'registry') assert.match(tree, / {3}└─ application\/octet-stream/);
    const none = await ran(cli, ['discover', `${at}:1`, '--artifact-type', 'application/none', '--format', 'json']);
    assert.deepEqual((JSON.parse(none) as { referrers: unknown[] }).referrers, []);
  });
}

test('pushed at the same SOURCE_DATE_EPOCH, the same files are the same artifact', async (context) => {
  const cli = await openCli(context);
  await given(cli, { 'set/a': '1', 'set/b': '2' });
  const digest = async (): Promise<string> => {
    const text = await ran(cli, ['push', `${registry.host}/team/same:1`, 'set', '--format', 'json'], {
      SOURCE_DATE_EPOCH: '1700000000',
    });
    return (JSON.parse(text) as Facts).descriptor.digest;
  };
  const first = await digest();
  execFileSync('touch', ['-d', '2001-01-01', join(cli.root, 'set/a')]);
  assert.equal(await digest(), first);
});

test('a Helm chart is stored as Helm stores it, under its version', async (context) => {
  const cli = await openCli(context);
  const chart = 'apiVersion: v2\nname: web\nversion: 1.2.0+build.7\ndescription: a chart\n';
  await given(cli, { 'web/Chart.yaml': chart, 'web/charts/sub/Chart.yaml': 'name: sub\nversion: 9.9.9\n' });
  execFileSync('tar', ['-czf', 'web.tgz', 'web'], { cwd: cli.root });
  const text = await ran(cli, ['push', `${registry.host}/charts/web`, 'web.tgz', '--helm', '--format', 'json']);
  const pushed = JSON.parse(text) as Facts;
  assert.equal(pushed.reference, `${registry.host}/charts/web:1.2.0_build.7`);
  const client = createRegistryClient(registry.host);
  context.after(() => client.close());
  const manifest = JSON.parse((await client.manifest('charts/web', '1.2.0_build.7')).bytes.toString());
  assert.equal(manifest.config.mediaType, 'application/vnd.cncf.helm.config.v1+json');
  assert.equal(manifest.layers[0].mediaType, 'application/vnd.cncf.helm.chart.content.v1.tar+gzip');
  assert.equal(manifest.artifactType, undefined, 'the config says what it is');
  await ran(cli, ['pull', pushed.reference, '-o', 'out']);
  assert.deepEqual(await filesBelow(join(cli.root, 'out')), ['web-1.2.0+build.7.tgz']);
  assert.deepEqual(
    await readFile(join(cli.root, 'out/web-1.2.0+build.7.tgz')),
    await readFile(join(cli.root, 'web.tgz')),
  );

  await given(cli, { 'no.tgz': 'no chart' });
  assertRefused(await cli.run(['artifact', 'push', `${registry.host}/charts/no`, 'no.tgz', '--helm']), {
    code: 'ARTIFACT_CHART_INVALID',
    exit: 2,
  });
});

test('nothing is written outside the folder, over what a symlink names, or longer than announced', async (context) => {
  const cli = await openCli(context);
  const client = createRegistryClient(registry.host);
  context.after(() => client.close());
  const bytes = Buffer.from('owned');
  const hostile = async (tag: string, title: string, size = bytes.length): Promise<string> => {
    const { Readable } = await import('node:stream');
    const digest = digestOf(bytes);
    const empty = Buffer.from('{}');
    for (const blob of [bytes, empty]) {
      const open = async () => Readable.from([blob]);
      await client.pushBlob('evil/files', { digest: digestOf(blob), size: blob.length, open });
    }
    const annotations = { 'org.opencontainers.image.title': title };
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      artifactType: 'application/x-evil',
      config: { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(empty), size: 2 },
      layers: [{ mediaType: 'application/octet-stream', digest, size, annotations }],
    };
    await client.pushManifest('evil/files', tag, { bytes: serialize(manifest), mediaType: manifest.mediaType });
    return `${registry.host}/evil/files:${tag}`;
  };
  for (const [tag, title] of Object.entries({
    up: '../owned',
    root: '/tmp/owned',
    deep: 'a/../../owned',
    bell: 'a\u0007',
  })) {
    const ended = await cli.run(['artifact', 'pull', await hostile(tag, title), '-o', 'out']);
    assertRefused(ended, { code: 'ARTIFACT_TITLE_INVALID' });
  }
  const outside = await mkdtemp(join(tmpdir(), 'outside-'));
  context.after(() => rm(outside, { recursive: true, force: true }));
  await mkdir(join(cli.root, 'out'), { recursive: true });
  await symlink(outside, join(cli.root, 'out/way'));
  assertRefused(await cli.run(['artifact', 'pull', await hostile('way', 'way/owned'), '-o', 'out']), {
    code: 'ARTIFACT_FILE_EXISTS',
    exit: 2,
  });
  assert.deepEqual(await filesBelow(outside), []);
  await writeFile(join(outside, 'kept'), 'kept');
  await symlink(join(outside, 'kept'), join(cli.root, 'out/link'));
  await ran(cli, ['pull', await hostile('link', 'link'), '-o', 'out']);
  assert.equal(await readFile(join(outside, 'kept'), 'utf8'), 'kept', 'the link was replaced, not followed');
  assert.equal(await readFile(join(cli.root, 'out/link'), 'utf8'), 'owned');
});

test('what cannot be pushed or found is refused with a code', async (context) => {
  const cli = await openCli(context);
  await given(cli, { file: '1', 'a/file': '2' });
  const at = `${registry.host}/team/bad`;
  const cases: readonly (readonly [readonly string[], string, number?])[] = [
    [['push', `${at}:1`, 'absent'], 'ARTIFACT_FILE_INVALID', 2],
    [['push', `${at}:1`, join(cli.root, 'file'), join(cli.root, 'a/file')], 'ARTIFACT_FILE_INVALID', 2],
    [['push', 'oci-archive:x.tar:1', 'file'], 'ARTIFACT_REFERENCE_UNSUPPORTED', 2],
    [['push', `${at}:1`, 'file', '--annotation', 'novalue'], 'ARTIFACT_ANNOTATION_INVALID', 2],
    [['push', `${at}:1`, 'file', '--artifact-type', 'notype'], 'CLI_USAGE', 2],
    [['push', at, 'file'], 'CLI_USAGE', 2],
    [['pull', 'oci:nowhere:1'], 'TRANSPORT_IMAGE_MISSING', 3],
  ];
  for (const [args, code, exit] of cases) {
    assertRefused(await cli.run(['artifact', ...args]), { code, ...(exit === undefined ? {} : { exit }) });
  }
  const absent = await cli.run(['artifact', 'attach', `${at}:absent`, 'file']);
  assert.equal(absent.code, 2);
  assert.match(absent.stderr, /code: REGISTRY_MANIFEST_UNKNOWN/);
});
