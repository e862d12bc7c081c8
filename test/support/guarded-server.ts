import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { type Access, type AccessAdmin, type AccessOptions, openAccess } from '../../src/access/index.ts';
import { type Clock, homeAt } from '../../src/base/index.ts';
import { type Database, openDatabase } from '../../src/database/index.ts';
import { type DoorOptions, type HttpServerOptions, serveHttp } from '../../src/http/index.ts';
import { createSqlCatalogue, type RegistryCatalogue, registryRoutes } from '../../src/registry/index.ts';
import { openBlobStore } from '../../src/storage/index.ts';
import { memoryEventStream, sampleQueries } from './sample-fleet.ts';

export const PASSWORD = 'correct horse battery';

export interface GuardedServer {
  readonly url: string;
  readonly localUrl: string;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly folder: string;
  readonly access: Access;
  readonly admin: AccessAdmin;
  readonly database: Database;
  readonly catalogue: RegistryCatalogue;
  readonly server: FastifyInstance;
  /** Milliseconds that the server's clock is ahead. */
  readonly clock: Clock & { ahead: number };
  close(): Promise<void>;
}

export interface GuardedOptions {
  readonly access?: Partial<AccessOptions>;
  readonly door?: Partial<DoorOptions>;
  readonly http?: Partial<HttpServerOptions>;
  readonly anonymous?: 'read' | 'write';
}

/**
 * Everything that `heraklit serve` serves, with accounts: alice may push team/**, everybody pull public/**, root
 * administers, carol may do nothing. Passwords are cheap to check.
 */
export async function startGuarded(options: GuardedOptions = {}): Promise<GuardedServer> {
  const folder = await mkdtemp(join(tmpdir(), 'guarded-'));
  const database = await openDatabase({ kind: 'embedded', directory: join(folder, 'database') });
  const clock = { ahead: 0, now: () => Date.now() + clock.ahead };
  const cost = { memory: 64, passes: 1, parallelism: 1 };
  const access = await openAccess({
    database,
    home: homeAt(folder),
    clock,
    cost,
    ownerKey: 'the-owner',
    ...options.access,
  });
  const admin = access.admin({ name: 'tester' });
  for (const name of ['alice', 'root', 'carol']) await admin.addPerson({ name, password: PASSWORD });
  await admin.grant({ to: 'alice', role: 'push', on: 'team/**' });
  await admin.grant({ to: 'root', role: 'admin', on: '**' });
  await admin.grant({ to: 'anonymous', role: 'pull', on: 'public/**' });
  const store = await openBlobStore(join(folder, 'store'));
  const catalogue = createSqlCatalogue(database);
  const { server, url, localUrl } = await serveHttp(
    {
      queries: sampleQueries,
      events: memoryEventStream(),
      web: join(folder, 'no-web'),
      registry: (scope, { audited, ...hooks }) =>
        scope.register(registryRoutes, { store, catalogue: audited(catalogue, database), ...hooks }),
      access: { access, ...options.door },
      ...options.http,
    },
    {
      host: '127.0.0.1',
      port: 0,
      accounts: access.hasAccounts(),
      ...(options.anonymous === undefined ? {} : { anonymous: options.anonymous }),
    },
  );
  return {
    url,
    localUrl,
    host: new URL(url).host,
    folder,
    access,
    admin,
    database,
    catalogue,
    server,
    clock,
    async close() {
      await server.close();
      await access.close();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const basicHeader = (name: string, password: string): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
});
