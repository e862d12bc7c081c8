import type { FastifyReply, FastifyRequest } from 'fastify';
import { isHeraklitError, type Log, messageOf } from '../../base/index.ts';

/** HTTP status and code of the distribution specification ("Error Codes"). */
interface Answer {
  readonly status: number;
  readonly code: string;
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  REGISTRY_NAME_INVALID: { status: 400, code: 'NAME_INVALID' },
  REGISTRY_NAME_UNKNOWN: { status: 404, code: 'NAME_UNKNOWN' },
  // The specification has no code of its own for a bad tag; an unknown manifest is what it then names.
  REGISTRY_TAG_INVALID: { status: 400, code: 'MANIFEST_INVALID' },
  REGISTRY_DIGEST_INVALID: { status: 400, code: 'DIGEST_INVALID' },
  OCI_DIGEST_MISMATCH: { status: 400, code: 'DIGEST_INVALID' },
  REGISTRY_SIZE_INVALID: { status: 413, code: 'SIZE_INVALID' },
  REGISTRY_RANGE_INVALID: { status: 416, code: 'BLOB_UPLOAD_INVALID' },
  REGISTRY_BLOB_UNKNOWN: { status: 404, code: 'BLOB_UNKNOWN' },
  REGISTRY_BLOB_UPLOAD_UNKNOWN: { status: 404, code: 'BLOB_UPLOAD_UNKNOWN' },
  REGISTRY_BLOB_UPLOAD_INVALID: { status: 400, code: 'BLOB_UPLOAD_INVALID' },
  REGISTRY_MANIFEST_UNKNOWN: { status: 404, code: 'MANIFEST_UNKNOWN' },
  REGISTRY_MANIFEST_INVALID: { status: 400, code: 'MANIFEST_INVALID' },
  OCI_MANIFEST_INVALID: { status: 400, code: 'MANIFEST_INVALID' },
  REGISTRY_MANIFEST_BLOB_UNKNOWN: { status: 404, code: 'MANIFEST_BLOB_UNKNOWN' },
  REGISTRY_TAGS_TOO_MANY: { status: 414, code: 'SIZE_INVALID' },
  // The specification has no code for a failed condition; the status says it.
  REGISTRY_PRECONDITION_FAILED: { status: 412, code: 'DENIED' },
  REGISTRY_PAGINATION_NUMBER_INVALID: { status: 400, code: 'PAGINATION_NUMBER_INVALID' },
  REGISTRY_UNSUPPORTED: { status: 405, code: 'UNSUPPORTED' },
  REGISTRY_UNAUTHORIZED: { status: 401, code: 'UNAUTHORIZED' },
  REGISTRY_DENIED: { status: 403, code: 'DENIED' },
  REGISTRY_QUOTA_EXCEEDED: { status: 403, code: 'DENIED' },
  REGISTRY_STORAGE_FULL: { status: 507, code: 'DENIED' },
  REGISTRY_BODY_STALLED: { status: 408, code: 'BLOB_UPLOAD_INVALID' },
  REGISTRY_TOOMANYREQUESTS: { status: 429, code: 'TOOMANYREQUESTS' },
};

/** Seconds a client is asked to wait where the error does not say it (`details.retryAfter`). */
const RETRY_AFTER = 1;

/** Answers any error as the specification's JSON body; what is not the client's doing is logged and not explained. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  // What is left of the body is read and dropped: a client that cannot finish sending does not see the answer, and
  // Node only does this by itself for bodies that nobody began to read.
  if (!request.raw.complete) setImmediate(() => request.raw.resume());
  const coded = isHeraklitError(error) ? error : undefined;
  const known = coded === undefined ? undefined : ANSWERS[coded.code];
  if (known === undefined || coded === undefined) return answerFailure(error, request, reply, log);
  const { challenge, retryAfter, ...detail } = coded.details;
  if (known.status === 429) reply.header('retry-after', typeof retryAfter === 'number' ? retryAfter : RETRY_AFTER);
  if (typeof challenge === 'string') reply.header('www-authenticate', challenge);
  if (known.status === 413) reply.header('connection', 'close');
  if (known.status === 408) {
    // Whoever trickles is not waited for any longer.
    reply.header('connection', 'close');
    reply.raw.once('finish', () => request.raw.destroy());
  }
  return send(reply, known, coded.message, detail);
}

function answerFailure(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  const status = (error as { statusCode?: number } | undefined)?.statusCode;
  if (status !== undefined && status >= 400 && status < 500) {
    return send(reply, { status, code: 'UNSUPPORTED' }, messageOf(error), {});
  }
  const again = isHeraklitError(error) && error.retryable;
  // A client that went away is no failure of ours; the answer goes nowhere then.
  const gone = request.raw.errored !== null;
  if (!gone)
    log.error('registry request failed', { method: request.method, url: request.url, error: messageOf(error) });
  if (again) reply.header('retry-after', RETRY_AFTER);
  if (again) return send(reply, { status: 503, code: 'UNAVAILABLE' }, 'the registry cannot do this now', {});
  return send(reply, { status: 500, code: 'UNKNOWN' }, 'the registry failed; its log says why', {});
}

function send(
  reply: FastifyReply,
  { status, code }: Answer,
  message: string,
  detail: Readonly<Record<string, unknown>>,
): FastifyReply {
  return reply
    .code(status)
    .header('content-type', 'application/json')
    .send(JSON.stringify({ errors: [{ code, message, detail }] }));
}
