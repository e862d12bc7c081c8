import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { Connection } from './connection.ts';
import type { Server } from './servers.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** A blob as containers/image pushes it: asked for first, then begun, sent and closed. */
async function pushBlob(connection: Connection, repository: string, bytes: Buffer): Promise<string> {
  const digest = sha256(bytes);
  await connection.request('HEAD', `/v2/${repository}/blobs/${digest}`);
  const begun = await connection.request('POST', `/v2/${repository}/blobs/uploads/`);
  const sent = await connection.request('PATCH', begun.location, bytes);
  const target = `${sent.location}${sent.location.includes('?') ? '&' : '?'}digest=${digest}`;
  const done = await connection.request('PUT', target);
  if (done.status !== 201) throw new Error(`blob not created: ${done.status}`);
  return digest;
}

/** Config and one layer of 8 KB, both new, and the manifest under a new tag: seven requests and two uploads. */
export async function pushSmallImage(connection: Connection, repository: string, tag: string): Promise<void> {
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', tag, nonce: Math.random() }));
  const layer = randomBytes(8_192);
  const descriptor = (mediaType: string, bytes: Buffer, digest: string) => ({ mediaType, digest, size: bytes.length });
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor(
      'application/vnd.oci.image.config.v1+json',
      config,
      await pushBlob(connection, repository, config),
    ),
    layers: [
      descriptor('application/vnd.oci.image.layer.v1.tar+gzip', layer, await pushBlob(connection, repository, layer)),
    ],
  };
  const body = Buffer.from(JSON.stringify(manifest));
  const put = await connection.request('PUT', `/v2/${repository}/manifests/${tag}`, body, MANIFEST);
  if (put.status !== 201) throw new Error(`manifest not created: ${put.status}`);
}

/** Small images pushed a second by `clients` connections, each into a repository of its own. */
export async function pushRate(server: Server, clients: number, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1_000;
  let pushed = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const connection = new Connection(server.host, server.port);
      for (let number = 0; performance.now() < until; number += 1) {
        await pushSmallImage(connection, `bench/app-${client}`, `v${Date.now()}-${number}`);
        pushed += 1;
      }
      connection.close();
    }),
  );
  return pushed / ((performance.now() - began) / 1_000);
}

/** Manifest GETs a second by wrk with 16 connections; every answer that is not 200 ends the benchmark. */
export async function manifestRate(server: Server, tag: string, seconds: number): Promise<number> {
  const url = `http://${server.host}:${server.port}/v2/bench/read/manifests/${tag}`;
  const out = await output('wrk', ['-t1', '-c16', `-d${seconds}s`, '-H', `Accept: ${MANIFEST}`, url]);
  if (out.includes('Non-2xx')) throw new Error(`${server.name}: ${out}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1]);
}

/** Uploads a file in one PUT; seconds from the first request to the answer that the blob exists. */
export async function uploadFile(server: Server, file: string, digest: string): Promise<number> {
  const connection = new Connection(server.host, server.port);
  const began = performance.now();
  const { location } = await connection.request('POST', '/v2/bench/big/blobs/uploads/');
  connection.close();
  const path = location.replace(/^https?:\/\/[^/]+/, '');
  const url = `http://${server.host}:${server.port}${path}${path.includes('?') ? '&' : '?'}digest=${digest}`;
  const put = ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '-H', 'Expect:', '-T', file, url];
  const status = (await output('curl', put)).trim();
  if (status !== '201') throw new Error(`${server.name}: upload answered ${status}`);
  return (performance.now() - began) / 1_000;
}

/** Seconds that `clients` curls take to download one blob, each wholly. */
export async function download(server: Server, digest: string, clients: number): Promise<number> {
  const url = `http://${server.host}:${server.port}/v2/bench/big/blobs/${digest}`;
  const began = performance.now();
  await Promise.all(Array.from({ length: clients }, () => output('curl', ['-sSf', '-o', '/dev/null', url])));
  return (performance.now() - began) / 1_000;
}

export function fileDigest(file: string): string {
  return `sha256:${execFileSync('sha256sum', [file], { encoding: 'latin1' }).slice(0, 64)}`;
}

function output(command: string, argv: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.once('error', reject);
    child.once('close', (status) => (status === 0 ? resolve(text) : reject(new Error(`${command}: exit ${status}`))));
  });
}
