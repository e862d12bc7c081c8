import Fastify from 'fastify';
import type { Log } from '../base/index.ts';
import { type RegistryCatalogue, registryRoutes } from '../registry/index.ts';
import type { BlobStore } from '../storage/index.ts';

/** Our registry on a free port of this machine, for a run that nobody else is to reach. */
export interface LoopbackRegistry {
  /** `127.0.0.1:port` */
  readonly host: string;
  close(): Promise<void>;
}

/** @param port a port to keep over several runs; a free one when it is taken or 0 */
export async function openLoopbackRegistry(
  store: BlobStore,
  catalogue: RegistryCatalogue,
  log: Log,
  port = 0,
): Promise<LoopbackRegistry> {
  const server = Fastify({ logger: false });
  await server.register(registryRoutes, { store, catalogue, log });
  const listen = (wanted: number): Promise<string> => server.listen({ host: '127.0.0.1', port: wanted });
  const address = await listen(port);
  return { host: new URL(address).host, close: () => server.close() };
}
