import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/database/index.ts';
import { outboxContract } from './outbox.ts';

const root = await mkdtemp(join(tmpdir(), 'heraklit-outbox-'));
outboxContract(
  'embedded',
  () => openDatabase({ kind: 'embedded', directory: join(root, 'database') }),
  () => rm(root, { recursive: true, force: true }),
);
