import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diffImages } from './diff.ts';
import { inspectImage } from './inspect-image.ts';
import { layerReport } from './layer-report.ts';
import { stanza, status } from './testing/debian-root.ts';
import { type LayerFiles, memoryImage } from './testing/memory-image.ts';

const STATUS = 'var/lib/dpkg/status';
const base: LayerFiles = {
  [STATUS]: status(stanza('a', '1.10'), stanza('b', '2'), stanza('c', '1')),
  'etc/x': 'same',
  'etc/y': 'old',
};

test('packages by the format’s order, files by content, config by setting', async () => {
  const config = (Env: string[], more: object = {}) => ({ config: { config: { Env, ...more } } });
  const top: LayerFiles = {
    [STATUS]: status(stanza('a', '1.9'), stanza('b', '2.1'), stanza('d', '1')),
    'etc/y': 'new',
    'etc/.wh.x': '',
    'srv/z': 'z',
  };
  const one = await inspectImage(memoryImage([base], config(['A=1', 'B=2'])), { hashFiles: true });
  const two = await inspectImage(memoryImage([base, top], config(['A=1', 'B=3', 'C'], { User: 'app' })), {
    hashFiles: true,
  });
  const diff = diffImages(one, two);
  const names = (list: readonly { name: string }[]) => list.map((item) => item.name);
  assert.deepEqual(names(diff.packages.added), ['d']);
  assert.deepEqual(names(diff.packages.removed), ['c']);
  assert.deepEqual(names(diff.packages.upgraded), ['b']);
  assert.deepEqual(names(diff.packages.downgraded), ['a']);
  assert.deepEqual(diff.files?.added, ['srv/z']);
  assert.deepEqual(diff.files?.removed, ['etc/x']);
  assert.deepEqual(diff.files?.changed, ['etc/y', STATUS]);
  assert.deepEqual(diff.config, [
    { key: 'env.B', from: '2', to: '3' },
    { key: 'env.C', from: undefined, to: '' },
    { key: 'user', from: undefined, to: 'app' },
  ]);
  assert.deepEqual([diff.sharedLayers, diff.identical], [1, false]);
  const short = diffImages(one, two, { maxPaths: 1 });
  assert.deepEqual([short.files?.changed, short.files?.totals.changed, short.files?.truncated], [['etc/y'], 2, true]);
});

test('an image is identical to itself, and to itself in other layers', async () => {
  const one = await inspectImage(memoryImage([base, { 'srv/z': 'z' }]), { hashFiles: true });
  const same = await inspectImage(memoryImage([{ ...base, 'srv/z': 'z' }]), { hashFiles: true });
  assert.equal(diffImages(one, one).identical, true);
  const diff = diffImages(one, same);
  assert.deepEqual([diff.identical, diff.sharedLayers], [true, 0]);
});

test('efficiency is the share of shipped bytes that is seen', async () => {
  const report = layerReport(
    await inspectImage(memoryImage([{ a: 'x'.repeat(60), b: 'y'.repeat(20) }, { a: 'z'.repeat(20) }])),
  );
  assert.deepEqual([report.bytes, report.wastedBytes, report.efficiency], [100, 60, 0.4]);
  assert.equal(layerReport(await inspectImage(memoryImage([]))).efficiency, 1);
});
