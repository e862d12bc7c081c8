import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/database/index.ts';
import { workloadsContract } from './workloads.ts';

const root = await mkdtemp(join(tmpdir(), 'heraklit-workloads-'));
workloadsContract(
  'embedded',
  () => openDatabase({ kind: 'embedded', directory: join(root, 'database') }),
  () => rm(root, { recursive: true, force: true }),
);
