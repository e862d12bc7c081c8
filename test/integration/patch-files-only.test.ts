/**
 * `patch` of an image that was composed with `scripts: none`, where nothing can run: file for file, it must become the
 * image that composing the recipe anew with all updates makes.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { homeAt, silentLog, silentProgress } from '../../src/base/index.ts';
import {
  buildRecipe,
  openWorkshop,
  patchImage,
  resolvedFrom,
  storeOver,
  type Workshop,
} from '../../src/engine/index.ts';
import { discoverMirrors } from '../../src/feed/index.ts';
import { findOutdated, inspectLayers, readLayers } from '../../src/inventory/index.ts';
import type { ResolvedImage } from '../../src/oci/index.ts';

const SUITE = 'debian/bookworm';
const RECIPE = `apiVersion: heraklit/v1
kind: Image
name: plain
distribution: ${SUITE}
scripts: none
packages: [base-files, base-passwd, libssl3, openssl, tzdata, ca-certificates]
`;

/** path → kind, mode, owner and content, as an engine sees them. */
async function contentsOf(image: ResolvedImage) {
  const records = await readLayers(image, { hashFiles: true });
  const contents = await inspectLayers(image, records);
  const facts = new Map<string, string>();
  for (const [path, { entry, target }] of contents.tree) {
    const { mode, uid, gid, type, linkName, sha256 } = target?.entry ?? entry;
    facts.set(path, [type, mode.toString(8), uid, gid, linkName ?? sha256 ?? ''].join(' '));
  }
  return { contents, facts };
}

test('an image composed without scripts becomes what composing it anew makes', async (context: TestContext) => {
  const folder = await mkdtemp(join(tmpdir(), 'files-only-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const reachable = await discoverMirrors({ id: 'debian' }).then(
    () => true,
    () => false,
  );
  if (!reachable) return context.skip('no Debian mirror');
  const home = homeAt(join(folder, 'home'));
  const shop = openWorkshop({ home, log: silentLog, progress: silentProgress, maxAge: 3600 });
  const build = async (name: string, pockets?: readonly string[]) => {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'plain.yaml'), RECIPE);
    const options = { architecture: 'amd64', ...(pockets === undefined ? {} : { pockets }) };
    return (await buildRecipe(join(folder, name, 'plain.yaml'), options, shop)).image;
  };
  const old = await build('old', ['release']);
  const outcome = await patchImage(old, {}, shop);
  assert.ok(outcome.kind === 'patched');
  const patched = resolvedFrom(outcome.image, storeOver(await shop.store(), old.blobs));
  const [ours, theirs] = [await contentsOf(patched), await contentsOf(await build('new'))];
  const paths = [...new Set([...ours.facts.keys(), ...theirs.facts.keys()])].sort();
  const different = paths.filter((path) => ours.facts.get(path) !== theirs.facts.get(path));
  assert.deepEqual(
    different.map((path) => [path, ours.facts.get(path), theirs.facts.get(path)]),
    [],
  );
  assert.deepEqual(await outdated(ours.contents, shop), []);
  assert.equal(patched.manifest.layers.length, old.manifest.layers.length + 1);
});

async function outdated(contents: Parameters<typeof findOutdated>[0], shop: Workshop) {
  const check = await findOutdated(contents, (await shop.shelf(SUITE, 'amd64')).snapshots);
  assert.ok(check.kind === 'checked');
  return check.findings;
}
