import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ComposedImage } from '../../src/build/index.ts';
import { openComposeHome, openDownloads } from '../support/compose-home.ts';

/**
 * A replay of a suite's real updates: an image of the release, then with what `updates` brings, then with `security`; one
 * home builds all three in turn, and for each step a home that has never built anything must come to the same digest.
 * With HERAKLIT_TEST_REPLAY=1 three suites, wide images, maintainer scripts too: half an hour.
 */
const LONG = process.env.HERAKLIT_TEST_REPLAY === '1';
const SMALL = ['openssl', 'tzdata', 'libxml2'];
const WIDE = [
  ...['ca-certificates', 'curl', 'xz-utils', 'perl', 'python3', 'gnupg', 'nginx', 'sqlite3'],
  ...['openssh-client', 'git', 'vim-tiny', 'systemd', 'bind9-host'],
];
const SUITES = LONG ? ['bullseye', 'bookworm', 'trixie'] : ['trixie'];
const SCRIPTS = LONG ? ['none', 'run'] : ['none'];
const STEPS = [['release'], ['release', 'updates'], ['release', 'updates', 'security']];

const cache = mkdtempSync(join(tmpdir(), 'compose-replay-'));
process.on('exit', () => rmSync(cache, { recursive: true, force: true }));

for (const suite of SUITES) {
  for (const scripts of SCRIPTS) {
    test(`${suite}, scripts: ${scripts}: release, updates and security in turn equal each from scratch`, async (context) => {
      if (scripts === 'run' && process.getuid?.() !== 0) return context.skip('root not installed');
      const from = await openDownloads(context, cache, `debian/${suite}`);
      if (from === undefined) return;
      let pockets: readonly string[] = [];
      const downloads = {
        ...from,
        repositories: async () => (await from.repositories()).filter(({ pocket }) => pockets.includes(pocket)),
      };
      // libxml2 has another name since trixie.
      const names = [...SMALL, ...(LONG ? WIDE : [])].map((name) =>
        name === 'libxml2' && suite === 'trixie' ? 'libxml2-utils' : name,
      );
      const recipe = `apiVersion: heraklit/v1\nkind: Image\nname: image\ndistribution: debian/${suite}\nscripts: ${scripts}\npackages: [${names}]\n`;
      const home = await openComposeHome(context, downloads);
      let before: ComposedImage | undefined;
      for (const step of STEPS) {
        pockets = step;
        const incremental = await home.build(recipe, before === undefined ? {} : { lock: before.lock, update: true });
        const scratch = await (await openComposeHome(context, downloads)).build(recipe);
        const { layersBuilt, layersShared } = incremental.statistics;
        const changed = before === undefined ? '' : `, ${incremental.changes.length} packages changed`;
        context.diagnostic(
          `${step.at(-1)}: ${incremental.lock.packages.length} packages${changed}; ${layersBuilt} layers built, ${layersShared} shared; ${incremental.scripts ?? 'no scripts'}`,
        );
        assert.deepEqual(incremental.lock.packages, scratch.lock.packages);
        assert.equal(incremental.descriptor.digest, scratch.descriptor.digest, step.at(-1));
        before = incremental;
      }
    });
  }
}
