import assert from 'node:assert/strict';
import { test } from 'node:test';
import Fastify from 'fastify';
import { silentLog } from '../../base/index.ts';
import { registryError, type registryErrors } from '../errors.ts';
import { answerError } from './answer-error.ts';

/** OCI distribution specification, "Error Codes", and the status that its endpoints' tables give. */
const SPECIFIED: Partial<Record<keyof typeof registryErrors, string>> = {
  REGISTRY_NAME_INVALID: '400 NAME_INVALID',
  REGISTRY_NAME_UNKNOWN: '404 NAME_UNKNOWN',
  REGISTRY_TAG_INVALID: '400 MANIFEST_INVALID',
  REGISTRY_DIGEST_INVALID: '400 DIGEST_INVALID',
  REGISTRY_SIZE_INVALID: '413 SIZE_INVALID',
  REGISTRY_RANGE_INVALID: '416 BLOB_UPLOAD_INVALID',
  REGISTRY_BLOB_UNKNOWN: '404 BLOB_UNKNOWN',
  REGISTRY_BLOB_UPLOAD_UNKNOWN: '404 BLOB_UPLOAD_UNKNOWN',
  REGISTRY_BLOB_UPLOAD_INVALID: '400 BLOB_UPLOAD_INVALID',
  REGISTRY_MANIFEST_UNKNOWN: '404 MANIFEST_UNKNOWN',
  REGISTRY_MANIFEST_INVALID: '400 MANIFEST_INVALID',
  REGISTRY_MANIFEST_BLOB_UNKNOWN: '404 MANIFEST_BLOB_UNKNOWN',
  REGISTRY_TAGS_TOO_MANY: '414 SIZE_INVALID',
  REGISTRY_PRECONDITION_FAILED: '412 DENIED',
  REGISTRY_PAGINATION_NUMBER_INVALID: '400 PAGINATION_NUMBER_INVALID',
  REGISTRY_UNSUPPORTED: '405 UNSUPPORTED',
  REGISTRY_UNAUTHORIZED: '401 UNAUTHORIZED',
  REGISTRY_DENIED: '403 DENIED',
  REGISTRY_TOOMANYREQUESTS: '429 TOOMANYREQUESTS',
};

test('each error is answered with the status and code of the specification', async () => {
  const server = Fastify();
  server.setErrorHandler((error, request, reply) => answerError(error, request, reply, silentLog));
  server.get('/:code', async ({ params }) => {
    throw registryError((params as { code: keyof typeof registryErrors }).code, 'why');
  });
  for (const [code, specified] of Object.entries(SPECIFIED)) {
    const answer = await server.inject({ url: `/${code}` });
    const [error] = answer.json().errors;
    assert.equal(`${answer.statusCode} ${error.code}`, specified, code);
    assert.equal(error.message, 'why');
  }
  // Not the client's doing: why is for the log alone.
  const failed = await server.inject({ url: '/REGISTRY_REFUSED' });
  assert.equal(failed.statusCode, 500);
  assert.doesNotMatch(failed.body, /"why"/);
  await server.close();
});
