/**
 * `node registry-stress-child.ts serve|collect URL STORE RENEW GRACE`: a registry on a free port, or a collector that
 * runs again and again; killed at any moment by the test.
 */
import Fastify from 'fastify';
import { sql } from 'kysely';
import { openDatabase } from '../../src/database/index.ts';
import { createMaintenance, createSqlCatalogue, registryRoutes } from '../../src/registry/index.ts';
import { nothingNeeded } from '../../src/registry/maintenance/needed.ts';
import { openBlobStore } from '../../src/storage/index.ts';

const [role, url = '', folder = '', renew, grace] = process.argv.slice(2);
const renewAfter = Number(renew);
const database = await openDatabase({ kind: 'postgresql', url });
const store = await openBlobStore(folder, { renewAfter });

if (role === 'serve') {
  const catalogue = createSqlCatalogue(database, { renewAfter });
  const server = Fastify({ logger: false, forceCloseConnections: true });
  await server.register(registryRoutes, { store, catalogue });
  process.stdout.write(`${await server.listen({ host: '127.0.0.1', port: 0 })}\n`);
} else {
  const maintenance = createMaintenance({
    database,
    store,
    needed: nothingNeeded,
    running: sql`select null::text as image where false`,
  });
  process.stdout.write('ready\n');
  for (;;) {
    const { freed } = await maintenance.collect({ grace: Number(grace) / 1_000 });
    process.stdout.write(`${freed.blobs}\n`);
  }
}
