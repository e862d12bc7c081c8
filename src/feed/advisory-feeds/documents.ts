import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import yauzl from 'yauzl';
import { decompress, detectCompression, TarParser } from '../../archive/index.ts';
import { messageOf } from '../../base/index.ts';
import { feedError } from '../errors.ts';

/** One document of a file: the file itself, or a member of the archive it is. */
export interface FeedDocument {
  /** For messages: `all.zip:DSA-5514-1.json`. */
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** A member among many: what is wrong with it is told and passed over. */
  readonly isMember: boolean;
}

/** Of one member of an archive. */
const MAX_MEMBER_BYTES = 128 * 1024 * 1024;
/** Members of one archive; OSV's of everything has 2.6 million. */
const MAX_MEMBERS = 5_000_000;
/** What all of a compressed file may unpack to. */
const MAX_UNPACKED_BYTES = 64 * 1024 ** 3;
const CHUNK = 1024 * 1024;
const DOCUMENT = /\.(?:json|jsonl|ndjson|xml)$/i;

/**
 * The documents of a file: a document as it is or compressed (gzip, xz, zstd), a zip or tar archive of documents.
 * @throws FEED_DOCUMENT_UNREADABLE, FEED_DOCUMENT_TOO_LARGE, ARCHIVE_*
 */
export async function* documentsOf(path: string, name: string): AsyncGenerator<FeedDocument, void> {
  const head = await readHead(path);
  if (head.subarray(0, 4).equals(Buffer.from('PK\u0003\u0004', 'latin1'))) {
    yield* zipMembers(path, name);
    return;
  }
  const compression = detectCompression(head);
  const bytes = decompress(createReadStream(path, { highWaterMark: CHUNK }), compression, {
    maxBytes: MAX_UNPACKED_BYTES,
  });
  const { first, all } = await peek(bytes);
  if (isTar(first)) yield* tarMembers(all, name);
  else yield { name, bytes: all, isMember: false };
}

const isTar = (first: Uint8Array): boolean => Buffer.from(first.subarray(257, 262)).toString('latin1') === 'ustar';

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function peek(bytes: AsyncIterable<Uint8Array>): Promise<{ first: Uint8Array; all: AsyncIterable<Uint8Array> }> {
  const iterator = bytes[Symbol.asyncIterator]();
  const next = await iterator.next();
  const first = next.done === true ? new Uint8Array() : Uint8Array.from(next.value);
  async function* all(): AsyncGenerator<Uint8Array, void> {
    yield first;
    try {
      for (let item = await iterator.next(); item.done !== true; item = await iterator.next()) yield item.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { first, all: all() };
}

async function* whole(content: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield content;
}

function tooLarge(name: string, what: string): Error {
  return feedError('FEED_DOCUMENT_TOO_LARGE', `${name}: ${what}`, {
    hint: 'No published archive comes near: it is hostile or broken.',
  });
}

/** Each document member in memory at its turn. */
async function* tarMembers(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<FeedDocument, void> {
  let ready: { readonly path: string; readonly content: Buffer }[] = [];
  const parser = new TarParser(
    {
      entry: ({ type, path }) => (type === 'file' && DOCUMENT.test(path) ? 'capture' : 'skip'),
      captured: ({ path }, content) => ready.push({ path, content }),
    },
    { bytes: MAX_UNPACKED_BYTES, entries: MAX_MEMBERS },
    { captureLimit: MAX_MEMBER_BYTES },
  );
  for await (const chunk of bytes) {
    parser.push(chunk);
    const now = ready;
    ready = [];
    for (const { path, content } of now) yield { name: `${name}:${path}`, bytes: whole(content), isMember: true };
  }
  parser.end();
}

async function* zipMembers(path: string, name: string): AsyncGenerator<FeedDocument, void> {
  const broken = (error: unknown): Error =>
    feedError('FEED_DOCUMENT_UNREADABLE', `${name} is a broken zip archive: ${messageOf(error)}`, {
      cause: error,
      hint: 'Fetch it again.',
    });
  const zip = await new Promise<yauzl.ZipFile>((resolve, reject) =>
    yauzl.open(path, { lazyEntries: true, autoClose: false }, (error, file) =>
      error === null ? resolve(file) : reject(broken(error)),
    ),
  );
  try {
    if (zip.entryCount > MAX_MEMBERS) throw tooLarge(name, `${zip.entryCount} members`);
    for (let entry = await nextEntry(zip, broken); entry !== undefined; entry = await nextEntry(zip, broken)) {
      if (!DOCUMENT.test(entry.fileName)) continue;
      if (entry.uncompressedSize > MAX_MEMBER_BYTES)
        throw tooLarge(name, `${entry.fileName} has ${entry.uncompressedSize} bytes`);
      yield { name: `${name}:${entry.fileName}`, bytes: await openEntry(zip, entry, broken), isMember: true };
    }
  } finally {
    zip.close();
  }
}

function nextEntry(zip: yauzl.ZipFile, broken: (error: unknown) => Error): Promise<yauzl.Entry | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      zip.removeListener('entry', onEntry);
      zip.removeListener('end', onEnd);
      zip.removeListener('error', onError);
    };
    const onEntry = (entry: yauzl.Entry): void => {
      settle();
      resolve(entry);
    };
    const onEnd = (): void => {
      settle();
      resolve(undefined);
    };
    const onError = (error: unknown): void => {
      settle();
      reject(broken(error));
    };
    zip.once('entry', onEntry).once('end', onEnd).once('error', onError);
    zip.readEntry();
  });
}

async function openEntry(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  broken: (error: unknown) => Error,
): Promise<AsyncIterable<Uint8Array>> {
  const stream = await new Promise<AsyncIterable<Uint8Array>>((resolve, reject) =>
    zip.openReadStream(entry, (error, opened) => (error === null ? resolve(opened) : reject(broken(error)))),
  );
  return (async function* () {
    try {
      yield* stream;
    } catch (error) {
      throw broken(error);
    }
  })();
}
