import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import {
  createMemoryCatalogue,
  type RegistryCatalogue,
  type RegistryServerOptions,
  registryRoutes,
} from '../../src/registry/index.ts';
import { type BlobStore, openBlobStore } from '../../src/storage/index.ts';

export interface TestRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly url: string;
  readonly folder: string;
  readonly store: BlobStore;
  readonly catalogue: RegistryCatalogue;
  readonly fastify: FastifyInstance;
  close(): Promise<void>;
}

/** A registry on a free loopback port over a store in a temporary folder, opened as `heraklit serve` opens it. */
export async function startRegistry(options: Partial<RegistryServerOptions> = {}): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'registry-'));
  const store = options.store ?? (await openBlobStore(join(folder, 'store'), { thread: true, ownUploads: true }));
  const catalogue = options.catalogue ?? createMemoryCatalogue();
  const fastify = Fastify({ forceCloseConnections: true });
  await fastify.register(registryRoutes, { ...options, store, catalogue });
  const url = await fastify.listen({ host: '127.0.0.1', port: 0 });
  return {
    host: url.replace('http://', ''),
    url,
    folder,
    store,
    catalogue,
    fastify,
    async close() {
      await fastify.close();
      await rm(folder, { recursive: true });
    },
  };
}
