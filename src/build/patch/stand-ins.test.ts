import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlatTree, LayerItem } from '../../oci/index.ts';
import { standInFiles, standIns } from './stand-ins.ts';

const CERT = 'usr/share/ca-certificates/mozilla/';
const BUNDLE = 'etc/ssl/certs/ca-certificates.crt';
const MASTER = 'usr/share/base-passwd/passwd.master';
const files = (entries: Readonly<Record<string, string>>) =>
  new Map(Object.entries(entries).map(([path, text]) => [path, Buffer.from(text)]));
const item = (path: string, text: string): LayerItem => ({
  header: { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: text.length, mtime: 0 },
  content: Buffer.from(text),
});
const made = (image: Readonly<Record<string, string>>, changes: readonly LayerItem[]) =>
  standIns(files(image), changes, 7).map(({ header, content }) => [header.path, String(content), header.mtime]);

test('accounts and certificates follow their packages, unless the owner changed them', () => {
  const image = {
    [`${CERT}a.crt`]: 'A\n',
    [`${CERT}b.crt`]: 'B\n',
    [BUNDLE]: 'A\nB\n',
    [MASTER]: 'x',
    'etc/passwd': 'x',
  };
  const changes = [item(`${CERT}c.crt`, 'C'), item(`${CERT}.wh.a.crt`, '')];
  assert.deepEqual(made(image, changes), [[BUNDLE, 'B\nC\n', 7]]);
  assert.deepEqual(
    made(image, [...changes, item(MASTER, 'y')])
      .map(([path]) => path)
      .sort(),
    ['etc/passwd', BUNDLE],
  );
  assert.deepEqual(
    made({ ...image, [BUNDLE]: 'A\nB\nmine\n', 'etc/passwd': 'x\nmine' }, [...changes, item(MASTER, 'y')]),
    [],
  );
  const { [BUNDLE]: _, ...without } = image;
  assert.deepEqual(made(without, changes), []);
  assert.deepEqual(made(image, [item(`${CERT}a.crt`, 'A\n')]), []);
});

test('nothing is read where no upgrade brings a source', () => {
  const tree: FlatTree = new Map();
  assert.deepEqual(standInFiles(tree, ['usr/bin/openssl']), []);
  assert.ok(standInFiles(tree, [`${CERT}a.crt`]).includes(BUNDLE));
});
