import type { FastifyInstance } from 'fastify';

/** Bytes of a form with credentials. */
const MAX_FORM = 64 * 1024;
const FORM = 'application/x-www-form-urlencoded';

/** Bodies of forms arrive as URLSearchParams in this scope. */
export function acceptForms(server: FastifyInstance): void {
  if (server.hasContentTypeParser(FORM)) return;
  server.addContentTypeParser(FORM, { parseAs: 'string', bodyLimit: MAX_FORM }, (_request, body, done) =>
    done(null, new URLSearchParams(body as string)),
  );
}
