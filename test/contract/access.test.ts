import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openDatabase } from '../../src/database/index.ts';
import { accessContract } from './access.ts';

const root = await mkdtemp(join(tmpdir(), 'heraklit-access-'));
accessContract('embedded', () => openDatabase({ kind: 'embedded', directory: join(root, 'database') }));
after(() => rm(root, { recursive: true, force: true }));
