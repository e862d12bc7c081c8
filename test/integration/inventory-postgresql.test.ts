import { after, before, describe, test } from 'node:test';
import { openDatabase } from '../../src/database/index.ts';
import { inventoryContract } from '../contract/inventory.ts';
import { baseContract } from '../contract/inventory-model/base.ts';
import { bulkContract } from '../contract/inventory-model/bulk.ts';
import { filesContract } from '../contract/inventory-model/files.ts';
import { hostsContract } from '../contract/inventory-model/hosts.ts';
import { pastContract } from '../contract/inventory-model/past.ts';
import { touchedContract } from '../contract/inventory-model/touched.ts';
import { usageContract } from '../contract/inventory-model/usage.ts';
import { workloadsContract } from '../contract/workloads.ts';
import { postgresqlPrograms, startCluster, type TestCluster } from '../support/postgresql.ts';

const programs = postgresqlPrograms();

if (programs === undefined) {
  test('inventory on PostgreSQL', (context) => context.skip('postgresql not installed'));
} else {
  describe('inventory on PostgreSQL', () => {
    let cluster: TestCluster;
    before(async () => {
      cluster = await startCluster(programs);
    });
    after(() => cluster.stop());

    const open = async () => openDatabase({ kind: 'postgresql', url: await cluster.createDatabase() });
    inventoryContract('PostgreSQL', open);
    bulkContract('PostgreSQL', open);
    filesContract('PostgreSQL', open);
    pastContract('PostgreSQL', open);
    usageContract('PostgreSQL', open);
    touchedContract('PostgreSQL', open);
    hostsContract('PostgreSQL', open);
    baseContract('PostgreSQL', open);
    workloadsContract('PostgreSQL', open, async () => undefined);
  });
}
