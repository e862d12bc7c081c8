import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { silentLog } from '../../base/index.ts';
import { answerError } from './answer-error.ts';
import { actionOf, answer } from './dispatch.ts';
import { DEFAULT_REGISTRY_LIMITS } from './limits.ts';
import { createManifestCache } from './manifest-cache.ts';
import { mountSource } from './mount.ts';
import type { RegistryContext, RegistryServerOptions } from './options.ts';
import { parsePath } from './path.ts';
import { createUploads } from './uploads.ts';

/** Milliseconds between looks for expired uploads. */
const EXPIRY_INTERVAL = 60_000;

/** What every answer carries: pushed bytes share an origin with the UI, so no browser may take them for a page. */
const HEADERS = {
  'docker-distribution-api-version': 'registry/2.0',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
};

/**
 * OCI distribution-spec 1.1 as a Fastify plugin: `fastify.register(registryRoutes, options)` serves `/v2/`. Blobs go
 * straight into the given store and come straight from it, so what a builder left there needs only catalogue rows.
 */
export async function registryRoutes(fastify: FastifyInstance, options: RegistryServerOptions): Promise<void> {
  const limits = { ...DEFAULT_REGISTRY_LIMITS, ...options.limits };
  const context: RegistryContext = { ...options, limits, log: options.log ?? silentLog };
  const uploads = createUploads(context.store, limits);
  const read = createManifestCache(context.store, limits);
  const expiry = setInterval(() => {
    uploads.expire().catch((error: unknown) => context.log.warn('dropping old uploads failed', { error }));
  }, EXPIRY_INTERVAL);
  expiry.unref();
  fastify.addHook('onClose', async () => {
    clearInterval(expiry);
    await context.store.uploads.suspend?.();
  });

  // Bodies of any type stay streams: they are hashed and written as they come.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  fastify.setErrorHandler((error, request, reply) => answerError(error, request, reply, context.log));

  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    reply.headers(HEADERS);
    const [path = '', search] = request.url.split('?', 2);
    const named = parsePath(path);
    const action = actionOf(named, request.method);
    const query = new URLSearchParams(search);
    const beside = mountSource(named, query);
    await context.authorize?.(request, {
      action,
      repository: 'repository' in named ? named.repository : undefined,
      ...(beside === undefined ? {} : { beside }),
    });
    return answer(named, { context, uploads, read, query, request, reply });
  };
  const method = ['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'];
  for (const url of ['/v2', '/v2/*']) {
    fastify.route({ method, url, exposeHeadRoute: false, schema: { hide: true }, handler } as never);
  }
}
