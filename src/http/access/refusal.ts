import type { FastifyReply } from 'fastify';
import { isHeraklitError } from '../../base/index.ts';

/** What a page says of an error of the accounts, its wait in the header; any other is thrown on. */
export function refusalOf(error: unknown, reply: FastifyReply): { readonly status: number; readonly message: string } {
  if (!isHeraklitError(error) || !error.code.startsWith('ACCESS_')) throw error;
  const { retryAfter } = error.details;
  if (typeof retryAfter === 'number') {
    reply.header('retry-after', retryAfter);
    return { status: 429, message: `${error.message}. ${error.hint ?? ''}` };
  }
  if (error.code === 'ACCESS_PASSWORD_REFUSED') return { status: 400, message: `${error.message}.` };
  return { status: 401, message: 'Wrong name or password.' };
}
