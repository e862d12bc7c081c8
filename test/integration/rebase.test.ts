/**
 * `rebase` against building again: each child is made by running commands on the old base, rebased, and compared file
 * for file with what the same commands make on the new base. What is not the same must have been refused.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { homeAt, isHeraklitError, silentLog, silentProgress } from '../../src/base/index.ts';
import type { RebaseReport, RebaseResult } from '../../src/build/index.ts';
import { openWorkshop, rebaseImage, resolvedFrom, storeOver } from '../../src/engine/index.ts';
import { readLayers } from '../../src/inventory/index.ts';
import { opaqueOf, parseReference, type ResolvedImage, whiteoutOf, writeLayer } from '../../src/oci/index.ts';
import { createSandbox } from '../../src/runtime/sandbox/index.ts';
import { openImage } from '../../src/transport/index.ts';
import { differences, factsOfRoot } from '../support/compare-roots.ts';
import { aptUpgrade, inRoot, layoutOf, noDebianRoots, releaseTar, run, unpackImage } from '../support/debian-image.ts';

const SUITE = 'bookworm';
const skip = noDebianRoots;
type Opened = ResolvedImage & { close(): Promise<void> };
interface Base {
  readonly root: string;
  readonly tar: string;
  readonly image: Opened;
}

let folder: string;
let oldBase: Base;
let newBase: Base;
let hello: Uint8Array;

const workshop = () =>
  openWorkshop({ home: homeAt(join(folder, 'home')), log: silentLog, progress: silentProgress, maxAge: 3600 });

before(async () => {
  if (skip !== undefined) return;
  folder = await mkdtemp(join(tmpdir(), 'rebase-'));
  const oldTar = await releaseTar(folder, SUITE, ['openssl', 'adduser']);
  const [oldRoot, newRoot, newTar] = ['old', 'new', 'new.tar'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const root of [oldRoot, newRoot]) {
    await mkdir(root);
    await run('tar', ['-xf', oldTar, '-C', root]);
  }
  await aptUpgrade(newRoot, SUITE);
  await run('tar', ['-cf', newTar, '--numeric-owner', '-C', newRoot, '.']);
  const open = async (name: string, tar: string) =>
    openImage(parseReference(await layoutOf(join(folder, `${name}.oci`), [tar])));
  oldBase = { root: oldRoot, tar: oldTar, image: await open('old', oldTar) };
  newBase = { root: newRoot, tar: newTar, image: await open('new', newTar) };
  const shop = workshop();
  const { snapshots } = await shop.shelf(`debian/${SUITE}`, 'amd64', ['release']);
  const pkg = snapshots.flatMap((snapshot) => [...snapshot.packages]).find(({ name }) => name === 'hello');
  assert.ok(pkg !== undefined);
  hello = await readFile(await (await shop.packages(`debian/${SUITE}`)).fetch(pkg));
});
after(() => (skip === undefined ? rm(folder, { recursive: true, force: true }) : undefined));

/** A child: what the command changes over the base, as one layer. */
async function childOf(base: Base, name: string, command: string): Promise<Opened> {
  const mountPoint = await mkdtemp(join(folder, 'mount-'));
  const sandbox = await createSandbox({ mountPoint });
  const tar = join(folder, `${name}.tar`);
  try {
    await sandbox.mount([base.root]);
    const { code, stderr } = await sandbox.run(['sh', '-c', `cat > /tmp/hello.deb; ${command}`], { stdin: hello });
    assert.equal(code, 0, stderr.toString());
    const items = [];
    const marker = { type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0 } as const;
    for await (const change of sandbox.changes()) {
      if (change.kind === 'whiteout') items.push({ header: { ...marker, path: whiteoutOf(change.path) } });
      else if (change.kind === 'opaque') {
        // overlayfs marks every new folder so; builders write it only where it hides something.
        if (existsSync(join(base.root, change.path)))
          items.push({ header: { ...marker, path: opaqueOf(change.path) } });
      } else if (change.content === undefined) items.push({ header: change.header });
      else items.push({ header: change.header, content: await readFile(change.content) });
    }
    await writeLayer(items, { compression: 'none', sink: tar, sort: true });
  } finally {
    await sandbox.close();
  }
  return openImage(parseReference(await layoutOf(join(folder, `${name}.oci`), [base.tar, tar])));
}

async function unpacked(image: ResolvedImage): Promise<string> {
  const root = await mkdtemp(join(folder, 'root-'));
  const records = await readLayers(image);
  await unpackImage(
    image,
    root,
    records.map((record) => record.index),
  );
  return root;
}

async function rebased(
  child: ResolvedImage,
): Promise<{ readonly result: RebaseResult; readonly image: ResolvedImage }> {
  const shop = workshop();
  const result = await rebaseImage({ child, onto: newBase.image, from: oldBase.image, baseName: undefined }, shop);
  const ofBase = new Set(newBase.image.manifest.layers.map(({ digest }) => digest));
  const origin = {
    open: (digest: typeof child.digest) => (ofBase.has(digest) ? newBase.image : child).blobs.open(digest),
  };
  return { result, image: resolvedFrom(result, storeOver(await shop.store(), origin)) };
}

const SAME = {
  'files only': 'mkdir -p /srv/app && echo hi > /srv/app/x && chmod 700 /srv/app',
  'a Python package copied in':
    'd=/usr/local/lib/python3.11/dist-packages/m; mkdir -p $d && echo "x = 1" > $d/__init__.py; touch -d @1700000000 $d/*',
  'a package installed': 'dpkg -i /tmp/hello.deb',
  'a user added': 'useradd --create-home --shell /bin/sh worker',
  'a configuration file edited': 'echo "# mine" >> /etc/ssl/openssl.cnf',
  'a file the base keeps, deleted': 'rm /etc/issue.net',
} as const;

for (const [name, command] of Object.entries(SAME)) {
  test(`${name}: what building on the new base gives`, { skip }, async (context) => {
    const id = name.replaceAll(/[^a-z]/gi, '-');
    const child = await childOf(oldBase, `${id}-1`, command);
    const { result, image } = await rebased(child);
    const wanted = await childOf(newBase, `${id}-2`, command);
    const [ours, theirs] = [await unpacked(image), await unpacked(wanted)];
    const left = differences(factsOfRoot(ours), factsOfRoot(theirs));
    assert.deepEqual(left, [], left.join('\n'));
    assert.equal(await inRoot(ours, 'dpkg', '--audit'), '');
    await inRoot(ours, 'apt-get', 'check');
    context.diagnostic(`${result.reason}; ${result.changes.length} packages of the base changed`);
    for (const root of [ours, theirs]) await rm(root, { recursive: true });
  });
}

test('a child that upgraded what the base upgrades is refused, every reason named', { skip }, async () => {
  const command = [
    'sed -i "/^Package: openssl$/,/^$/s/^Version: .*/Version: 9.9/" /var/lib/dpkg/status',
    'echo patched > /usr/bin/openssl',
  ].join(' && ');
  const child = await childOf(oldBase, 'conflict', command);
  await assert.rejects(rebased(child), (error) => {
    assert.ok(isHeraklitError(error, 'REBASE_REFUSED'));
    const { conflicts } = error.details.report as RebaseReport;
    assert.ok(conflicts.some((conflict) => conflict.kind === 'package' && conflict.package === 'openssl:amd64'));
    assert.ok(conflicts.some((conflict) => conflict.kind === 'path' && conflict.path === 'usr/bin/openssl'));
    return true;
  });
});

test('a program linked against a library that changed is checked, kept, and runs', { skip }, async () => {
  const child = await childOf(
    oldBase,
    'linked',
    'cp /usr/bin/openssl /usr/local/bin/mine && printf x >> /usr/local/bin/mine',
  );
  const { result, image } = await rebased(child);
  assert.ok(result.report.librariesChecked.includes('libssl.so.3'), String(result.report.librariesChecked));
  const root = await unpacked(image);
  assert.match(await inRoot(root, '/usr/local/bin/mine', 'version'), /^OpenSSL 3/);
});

test('an image on another base is no child', { skip }, async () => {
  const stranger = await childOf(newBase, 'stranger', 'echo hi > /srv/x');
  await assert.rejects(rebased(stranger), (error) => isHeraklitError(error, 'REBASE_NOT_A_CHILD'));
});
