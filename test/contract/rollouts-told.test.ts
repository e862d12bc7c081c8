import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/database/index.ts';
import { rolloutsToldContract } from './rollouts-told.ts';

const root = await mkdtemp(join(tmpdir(), 'heraklit-told-'));
rolloutsToldContract(
  'embedded',
  () => openDatabase({ kind: 'embedded', directory: join(root, 'database') }),
  () => rm(root, { recursive: true, force: true }),
);
