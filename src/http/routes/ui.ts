import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Everything comes from here; nothing is fetched from anywhere else. */
const POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const NOT_BUILT = `<!doctype html><meta charset="utf-8"><title>heraklit</title>
<style>body{font:16px/1.5 system-ui;max-width:40rem;margin:15vh auto;padding:0 1rem}</style>
<h1>The page is not built yet</h1><p>Run <code>npm run build:web</code> in the checkout and reload.
The API works: <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>`;

/** The UI from its built folder, or a page that says how to build it. */
export async function uiRoutes(server: FastifyInstance, folder: string): Promise<void> {
  server.addHook('onSend', async (request, reply) => {
    if (request.url.startsWith('/v2') || reply.hasHeader('content-security-policy')) return;
    reply.header('x-content-type-options', 'nosniff').header('referrer-policy', 'no-referrer');
    reply.header('content-security-policy', POLICY);
  });
  if (!existsSync(join(folder, 'index.html'))) {
    server.get('/', { schema: { hide: true } as object }, async (_request, reply) =>
      reply.code(200).type('text/html').send(NOT_BUILT),
    );
    return;
  }
  await server.register(fastifyStatic, {
    root: folder,
    schemaHide: true,
    cacheControl: false,
    setHeaders: (response, path) => {
      // Vite names assets by their content.
      const asset = path.includes('/assets/');
      response.header('cache-control', asset ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}
