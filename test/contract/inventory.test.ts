import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openDatabase } from '../../src/database/index.ts';
import { inventoryContract } from './inventory.ts';
import { baseContract } from './inventory-model/base.ts';
import { bulkContract } from './inventory-model/bulk.ts';
import { filesContract } from './inventory-model/files.ts';
import { hostsContract } from './inventory-model/hosts.ts';
import { pastContract } from './inventory-model/past.ts';
import { touchedContract } from './inventory-model/touched.ts';
import { usageContract } from './inventory-model/usage.ts';

const folder = await mkdtemp(join(tmpdir(), 'inventory-'));
after(() => rm(folder, { recursive: true }));

inventoryContract('embedded database', () => openDatabase({ kind: 'embedded', directory: join(folder, 'database') }));
bulkContract('embedded database', () => openDatabase({ kind: 'embedded', directory: join(folder, 'bulk') }));
filesContract('embedded database', () => openDatabase({ kind: 'embedded', directory: join(folder, 'files') }));
pastContract('embedded database', () => openDatabase({ kind: 'embedded', directory: join(folder, 'past') }));
usageContract('embedded database', () => openDatabase({ kind: 'embedded', directory: join(folder, 'usage') }));
hostsContract('embedded database', () => openDatabase({ kind: 'embedded', directory: join(folder, 'hosts') }));
baseContract('embedded database', () => openDatabase({ kind: 'embedded', directory: join(folder, 'base') }));
touchedContract('embedded database', () => openDatabase({ kind: 'embedded', directory: join(folder, 'touched') }));
