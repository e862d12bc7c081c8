import type { IncomingMessage } from 'node:http';
import { type HeraklitError, redact } from '../../base/index.ts';
import { registryError } from '../errors.ts';

/** Bytes of an error answer that are read. */
const MAX_ERROR_ANSWER = 64 * 1024;

type Refusal =
  | 'REGISTRY_NAME_UNKNOWN'
  | 'REGISTRY_NAME_INVALID'
  | 'REGISTRY_BLOB_UNKNOWN'
  | 'REGISTRY_BLOB_UPLOAD_UNKNOWN'
  | 'REGISTRY_BLOB_UPLOAD_INVALID'
  | 'REGISTRY_MANIFEST_UNKNOWN'
  | 'REGISTRY_MANIFEST_INVALID'
  | 'REGISTRY_MANIFEST_BLOB_UNKNOWN'
  | 'REGISTRY_DIGEST_INVALID'
  | 'REGISTRY_SIZE_INVALID'
  | 'REGISTRY_UNSUPPORTED';

const REFUSALS: Readonly<Record<string, Refusal>> = {
  NAME_UNKNOWN: 'REGISTRY_NAME_UNKNOWN',
  NAME_INVALID: 'REGISTRY_NAME_INVALID',
  BLOB_UNKNOWN: 'REGISTRY_BLOB_UNKNOWN',
  BLOB_UPLOAD_UNKNOWN: 'REGISTRY_BLOB_UPLOAD_UNKNOWN',
  BLOB_UPLOAD_INVALID: 'REGISTRY_BLOB_UPLOAD_INVALID',
  MANIFEST_UNKNOWN: 'REGISTRY_MANIFEST_UNKNOWN',
  MANIFEST_INVALID: 'REGISTRY_MANIFEST_INVALID',
  MANIFEST_BLOB_UNKNOWN: 'REGISTRY_MANIFEST_BLOB_UNKNOWN',
  DIGEST_INVALID: 'REGISTRY_DIGEST_INVALID',
  SIZE_INVALID: 'REGISTRY_SIZE_INVALID',
  UNSUPPORTED: 'REGISTRY_UNSUPPORTED',
};

/** Reads a whole answer. @throws REGISTRY_ANSWER_INVALID above `limit` bytes, REGISTRY_UNREACHABLE */
export async function readAll(answer: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) throw registryError('REGISTRY_ANSWER_INVALID', `the answer has more than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if ((error as HeraklitError).kind !== undefined) throw error;
    throw registryError('REGISTRY_UNREACHABLE', 'the connection broke during an answer', { cause: error });
  }
  return Buffer.concat(chunks);
}

export async function readJson(answer: IncomingMessage, limit: number): Promise<unknown> {
  const bytes = await readAll(answer, limit);
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw registryError('REGISTRY_ANSWER_INVALID', 'the answer is not JSON', { cause: error });
  }
}

/** The error that an answer other than the expected one stands for. */
export async function refusalOf(answer: IncomingMessage, what: string): Promise<HeraklitError> {
  const status = answer.statusCode ?? 0;
  const { code, message } = await firstError(answer);
  const said = redact(`${what}: ${status}${message === '' ? '' : `, ${message}`}`);
  if (status === 401) {
    return registryError('REGISTRY_UNAUTHORIZED', said, {
      hint: 'Log in with podman login or docker login; the account may lack the right.',
    });
  }
  if (status === 403) return registryError('REGISTRY_DENIED', said);
  if (status === 429) return registryError('REGISTRY_TOOMANYREQUESTS', said);
  if (status >= 500) return registryError('REGISTRY_UNAVAILABLE', said);
  return registryError(REFUSALS[code] ?? 'REGISTRY_REFUSED', said);
}

async function firstError(answer: IncomingMessage): Promise<{ code: string; message: string }> {
  try {
    const body = (await readJson(answer, MAX_ERROR_ANSWER)) as { errors?: { code?: unknown; message?: unknown }[] };
    const { code, message } = body.errors?.[0] ?? {};
    return {
      code: typeof code === 'string' ? code : '',
      message: typeof message === 'string' ? message.slice(0, 500) : '',
    };
  } catch {
    return { code: '', message: '' };
  }
}
