import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/database/index.ts';
import { rolloutContract } from './rollout.ts';

const root = await mkdtemp(join(tmpdir(), 'heraklit-rollout-'));
rolloutContract(
  'embedded',
  () => openDatabase({ kind: 'embedded', directory: join(root, 'database') }),
  () => rm(root, { recursive: true, force: true }),
);
