import { readCsaf } from './csaf.ts';
import { readDebianTracker } from './debian-tracker.ts';
import { DETECT_BYTES, type Detected, detectType } from './detect.ts';
import { readOpenVex } from './openvex.ts';
import { readOsv } from './osv.ts';
import { readOval } from './oval.ts';
import { readSecdb } from './secdb.ts';
import type { Advisory, AdvisoryType, Bytes, ReadOptions } from './types.ts';
import { readUpdateInfo } from './updateinfo.ts';

/** A document whose beginning was looked at. */
export interface OpenedDocument {
  readonly type: AdvisoryType;
  readonly advisories: AsyncGenerator<Advisory, void>;
}

/**
 * Opens a document of any of the formats.
 * @param type what the caller knows it to be; else it is told from its beginning
 * @throws ADVISORY_TYPE_UNKNOWN; the advisories: ADVISORY_INVALID, ADVISORY_LIMIT, ADVISORY_DISTRIBUTION_NEEDED
 */
export async function openDocument(bytes: Bytes, options: ReadOptions, type?: AdvisoryType): Promise<OpenedDocument> {
  const { head, all } = await peek(bytes);
  const detected =
    type === undefined
      ? detectType(head, options.what)
      : ({ type, form: type === 'osv' ? formOf(head, options.what) : 'document' } as const);
  return { type: detected.type, advisories: readAs(detected, all, options) };
}

/** What a user calls OSV may be a list or lines all the same. */
function formOf(head: Uint8Array, what: string): Detected['form'] {
  try {
    return detectType(head, what).form;
  } catch {
    return 'document';
  }
}

function readAs({ type, form }: Detected, bytes: Bytes, options: ReadOptions): AsyncGenerator<Advisory, void> {
  switch (type) {
    case 'debian-tracker':
      return readDebianTracker(bytes, options);
    case 'secdb':
      return readSecdb(bytes, options);
    case 'osv':
      return readOsv(bytes, options, form);
    case 'csaf':
      return readCsaf(bytes, options);
    case 'openvex':
      return readOpenVex(bytes, options);
    case 'oval':
      return readOval(bytes, options);
    case 'updateinfo':
      return readUpdateInfo(bytes, options);
  }
}

async function peek(bytes: Bytes): Promise<{ head: Uint8Array; all: Bytes }> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let size = 0;
  while (size < DETECT_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    first.push(Uint8Array.from(next.value));
    size += next.value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array, void> {
    yield* first;
    try {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { head: Buffer.concat(first), all: all() };
}
