import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openDatabase } from '../../src/database/index.ts';
import { inventoryContract } from './inventory.ts';

const folder = await mkdtemp(join(tmpdir(), 'inventory-'));
after(() => rm(folder, { recursive: true }));

inventoryContract('embedded database', () => openDatabase({ kind: 'embedded', directory: join(folder, 'database') }));

const url = process.env.HERAKLIT_TEST_POSTGRESQL;
if (url === undefined) test('inventory on PostgreSQL', { skip: 'HERAKLIT_TEST_POSTGRESQL names no server' }, () => {});
else inventoryContract('PostgreSQL', () => openDatabase({ kind: 'postgresql', url }));
