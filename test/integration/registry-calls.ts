import assert from 'node:assert/strict';
import { digestOf, MediaType } from '../../src/oci/index.ts';

/** Plain requests to a registry, as a client would write them by hand. */
export interface Calls {
  call(
    method: string,
    path: string,
    body?: Uint8Array | string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Response>;
  pushBlob(repository: string, bytes: Uint8Array): Promise<void>;
  putManifest(repository: string, reference: string, manifest: string, type?: string): Promise<Response>;
}

export function callsTo(url: string): Calls {
  const call: Calls['call'] = (method, path, body, headers = {}) =>
    fetch(`${url}${path}`, { method, headers, redirect: 'manual', ...(body === undefined ? {} : { body }) });
  return {
    call,
    async pushBlob(repository, bytes) {
      const answer = await call('POST', `/v2/${repository}/blobs/uploads/?digest=${digestOf(bytes)}`, bytes);
      assert.equal(answer.status, 201);
    },
    putManifest: (repository, reference, manifest, type = MediaType.manifest) =>
      call('PUT', `/v2/${repository}/manifests/${reference}`, manifest, { 'content-type': type }),
  };
}

/** Status and the first error code of an answer. */
export async function verdict(answer: Response): Promise<string> {
  const text = await answer.text();
  const code = text === '' ? '' : (JSON.parse(text) as { errors?: { code: string }[] }).errors?.[0]?.code;
  return `${answer.status} ${code ?? ''}`.trim();
}

export function manifestOf(config: Uint8Array, layers: readonly Uint8Array[], more: object = {}): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MediaType.manifest,
    config: { mediaType: MediaType.config, digest: digestOf(config), size: config.length },
    layers: layers.map((layer) => ({ mediaType: MediaType.layer, digest: digestOf(layer), size: layer.length })),
    ...more,
  });
}
