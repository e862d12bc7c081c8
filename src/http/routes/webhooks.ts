import type { FastifyInstance } from 'fastify';
import type { WebhookReceiver } from '../../engine/index.ts';
import { httpError } from '../errors.ts';
import { Problem, WebhookAnswer } from '../schemas.ts';

/** GitHub sends no larger ones. */
const BODY_LIMIT = 25 * 1024 * 1024;
/** Bodies in memory at once: they are read before it shows who sent them. */
const AT_ONCE = 8;

const FAILURES = { '4xx': Problem, '5xx': Problem };
const FORGES = { github: 'GitHub', gitlab: 'GitLab', gitea: 'Gitea or Forgejo' } as const;

/**
 * `POST /api/v1/webhooks/{github,gitlab,gitea}`: pushes start what is made from them. Open to everybody, because the
 * signature says who it is; answered with 202 once it is written down.
 */
export function webhookRoutes(server: FastifyInstance, receiver: WebhookReceiver | undefined): void {
  server.removeAllContentTypeParsers();
  // As it came: the signature is over the bytes.
  server.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT }, (_, body, done) => done(null, body));
  let open = 0;
  for (const [kind, name] of Object.entries(FORGES)) {
    const schema = {
      operationId: `${kind}Webhook`,
      summary: `Takes a webhook of ${name}: push and tag events start the images that are made from the repository`,
      body: { type: 'object', description: `The forge's own payload, signed with the secret of the fleet file` },
      response: { 202: WebhookAnswer, ...FAILURES },
    } as object;
    server.route<{ Body: unknown }>({
      method: 'POST',
      url: `/api/v1/webhooks/${kind}`,
      schema,
      bodyLimit: BODY_LIMIT,
      config: { needs: 'open' },
      validatorCompiler: () => () => true,
      onRequest: async (_, reply) => {
        if (receiver === undefined)
          throw httpError('HTTP_NOT_FOUND', 'this server serves no fleet that takes webhooks');
        if (open >= AT_ONCE) {
          throw httpError('HTTP_TOO_MANY_WEBHOOKS', `${AT_ONCE} webhooks are being read`, {
            details: { retryAfter: 5 },
          });
        }
        open += 1;
        reply.raw.once('close', () => {
          open -= 1;
        });
      },
      handler: async (request, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const answer = await receiver?.receive(kind as keyof typeof FORGES, request.headers, body);
        return reply.code(202).send(answer);
      },
    });
  }
}
