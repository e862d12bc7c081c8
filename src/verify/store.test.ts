import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fixedClock } from '../base/index.ts';
import { openDatabase } from '../database/index.ts';
import { digestOf } from '../oci/index.ts';
import { readVerifications, recordVerification } from './store.ts';
import type { Verification } from './types.ts';

test('the last results of an image are kept with their logs, found by name and by id', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'heraklit-verify-store-'));
  const database = await openDatabase({ kind: 'embedded', directory });
  try {
    const result: Verification = {
      digest: digestOf('x'),
      passed: true,
      mode: 'engine',
      steps: [{ name: 'http /', kind: 'http', passed: true, detail: 'answers 200', milliseconds: 1.5 }],
      logs: [{ part: 'candidate', text: 'said \u0000 this', truncated: false }],
      milliseconds: 2000,
    };
    const bad = {
      ...result,
      passed: false,
      steps: [{ name: 'start', passed: false, detail: 'crashed', milliseconds: 1 }],
    };
    await database.transaction(async (trx) => {
      for (let i = 0; i < 25; i += 1) {
        await recordVerification(trx, `id-${i}`, 'web', result, fixedClock(1_000_000 + i));
      }
      await recordVerification(trx, 'bad', 'web', bad, fixedClock(2_000_000));
      await recordVerification(trx, 'away', 'other', { ...bad, environment: 'no engine' }, fixedClock(0));
    });
    const web = await readVerifications(database.kysely, 'web');
    assert.deepEqual([web.length, web[0]?.id, web[1]?.id, web.at(-1)?.id], [20, 'bad', 'id-24', 'id-6']);
    assert.deepEqual([web[0]?.outcome, web[0]?.reason], ['failed', 'start: crashed']);
    assert.deepEqual(web[1]?.steps, result.steps);
    assert.equal(web[1]?.logs[0]?.text, 'said \ufffd this');
    const [other] = await readVerifications(database.kysely, 'away');
    assert.deepEqual([other?.image, other?.outcome, other?.reason], ['other', 'environment', 'no engine']);
  } finally {
    await database.close();
    await rm(directory, { recursive: true });
  }
});
