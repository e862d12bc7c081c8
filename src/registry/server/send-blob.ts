import { type FileHandle, open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { type Log, messageOf } from '../../base/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { BlobStore, ByteRange } from '../../storage/index.ts';

/** Bytes read and sent at once. Measured: larger ones leave the processor's cache between read and write. */
const CHUNK = 256 * 1024;
/** Chunks of one answer: one is read while the other is sent. */
const DEPTH = 2;
/** Chunks kept for the next answers: fresh memory costs more to fault in than the bytes cost to copy. */
const KEPT = 64;

const spare: Buffer[] = [];

/**
 * Answers with bytes of a blob; status and headers are set already. A blob that is a file goes to the socket through
 * two buffers that are used again and again (a stream makes a new one for every chunk); others are streamed.
 */
export async function sendBlob(
  store: BlobStore,
  digest: Digest,
  range: ByteRange,
  reply: FastifyReply,
  log: Log,
): Promise<FastifyReply> {
  if (range.end < range.start) return reply.send(Readable.from([]));
  const path = store.localPath(digest);
  const handle = path === undefined ? undefined : await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return reply.send(await store.open(digest, range));
  reply.hijack();
  const { raw } = reply;
  try {
    raw.writeHead(reply.statusCode, reply.getHeaders() as Record<string, string>);
    await sendFile(handle, range, raw);
    raw.end();
  } catch (error) {
    // The status is sent: only a broken connection still tells the client. A client that left is no failure of ours.
    if (!raw.destroyed) log.error('sending a blob failed', { digest, error: messageOf(error) });
    raw.destroy();
  } finally {
    await handle.close();
  }
  return reply;
}

async function sendFile(handle: FileHandle, { start, end }: ByteRange, raw: ServerResponse): Promise<void> {
  const chunks = Array.from({ length: DEPTH }, () => spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK));
  const sent: Promise<void>[] = chunks.map(() => Promise.resolve());
  const closed = new Promise<never>((_, reject) => raw.once('close', () => reject(new Error('the connection closed'))));
  closed.catch(() => undefined);
  for (let position = start, at = 0; position <= end; at = (at + 1) % DEPTH) {
    await Promise.race([sent[at], closed]);
    const chunk = chunks[at] as Buffer;
    const { bytesRead } = await handle.read(chunk, 0, Math.min(CHUNK, end + 1 - position), position);
    if (bytesRead === 0) throw new Error(`the file ends at ${position} bytes`);
    position += bytesRead;
    const writing = write(raw, bytesRead === CHUNK ? chunk : chunk.subarray(0, bytesRead));
    writing.catch(() => undefined);
    sent[at] = writing;
  }
  await Promise.race([Promise.all(sent), closed]);
  // Only here is it certain that the socket is done with them: after an error they are left to the collector.
  for (const chunk of chunks) if (spare.length < KEPT) spare.push(chunk);
}

function write(raw: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    raw.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
