/** Writes docs/openapi.json anew: `node test/support/write-openapi.ts`, after a route or a schema changed. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../src/base/index.ts';
import { createHttpServer, decideBind } from '../../src/http/index.ts';
import { memoryEventStream, noHosts, noMaintenance, sampleQueries } from './sample-fleet.ts';

const server = await createHttpServer({
  queries: sampleQueries,
  events: memoryEventStream(),
  hosts: noHosts,
  maintenance: noMaintenance,
  bind: decideBind({ host: '127.0.0.1', accounts: false }),
});
const document = (await server.inject('/api/v1/openapi.json')).json<object>();
await server.close();
const file = join(import.meta.dirname, '../../docs/openapi.json');
await writeFileAtomic(file, `${JSON.stringify(document, null, 2)}\n`);
