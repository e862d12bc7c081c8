import { openSqlitePages, type SqlitePages } from './sqlite-pages.ts';

const INTERIOR = 5;
const LEAF = 13;
/** Levels of a table; ten hold more rows than fit on any disk. */
const MAX_DEPTH = 20;

/** A column as far as it is needed: text and blobs are bytes. */
export type SqliteValue = number | Buffer | undefined;

/** Something of a table that could not be read; the rest could. */
export type ReportProblem = (reason: string) => void;

interface Varint {
  readonly value: number;
  readonly next: number;
}

function varint(bytes: Buffer, at: number): Varint {
  let value = 0;
  for (let index = 0; index < 8; index += 1) {
    const byte = bytes.readUInt8(at + index);
    value = value * 128 + (byte & 127);
    if (byte < 128) return { value, next: at + index + 1 };
  }
  return { value: value * 256 + bytes.readUInt8(at + 8), next: at + 9 };
}

/** Values of one record (https://www.sqlite.org/fileformat2.html, 2.1). */
function recordOf(payload: Buffer): readonly SqliteValue[] {
  const head = varint(payload, 0);
  const values: SqliteValue[] = [];
  let body = head.value;
  for (let at = head.next; at < head.value; ) {
    const { value: type, next } = varint(payload, at);
    at = next;
    const size = type >= 12 ? (type - (type % 2 === 0 ? 12 : 13)) / 2 : ([0, 1, 2, 3, 4, 6, 8, 8][type] ?? 0);
    if (body + size > payload.length) throw new Error('a record is cut off');
    if (type >= 12) values.push(payload.subarray(body, body + size));
    else if (type >= 1 && type <= 5) values.push(payload.readIntBE(body, size));
    else values.push(type === 9 ? 1 : type === 8 ? 0 : undefined);
    body += size;
  }
  return values;
}

class TableWalk {
  readonly #pages: SqlitePages;
  readonly #report: ReportProblem;
  readonly #seen = new Set<number>();
  /** Payload bytes that may still come: all of them lie in the file, each once. */
  #left: number;

  constructor(pages: SqlitePages, report: ReportProblem) {
    this.#pages = pages;
    this.#report = report;
    this.#left = pages.bytes;
  }

  *rows(number: number, depth = 0): Generator<readonly SqliteValue[], void> {
    let page: Buffer;
    let children: readonly number[] = [];
    let cells: readonly number[] = [];
    let type = 0;
    try {
      if (this.#seen.has(number)) throw new Error(`page ${number} is used twice`);
      if (depth > MAX_DEPTH) throw new Error(`more than ${MAX_DEPTH} levels of pages`);
      this.#seen.add(number);
      page = this.#pages.page(number);
      const start = number === 1 ? 100 : 0;
      type = page.readUInt8(start);
      if (type !== LEAF && type !== INTERIOR) throw new Error(`page ${number} is no part of a table`);
      const first = start + (type === LEAF ? 8 : 12);
      const count = page.readUInt16BE(start + 3);
      cells = Array.from({ length: count }, (_, index) => page.readUInt16BE(first + index * 2));
      if (type === INTERIOR) children = [...cells.map((at) => page.readUInt32BE(at)), page.readUInt32BE(start + 8)];
    } catch (error) {
      this.#report((error as Error).message);
      return;
    }
    for (const child of children) yield* this.rows(child, depth + 1);
    for (const at of type === LEAF ? cells : []) {
      const row = this.#row(page, at, number);
      if (row !== undefined) yield row;
    }
  }

  #row(page: Buffer, at: number, number: number): readonly SqliteValue[] | undefined {
    try {
      return recordOf(this.#payload(page, at));
    } catch (error) {
      this.#report(`a row of page ${number}: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** A cell's payload, gathered from its overflow pages where it is longer than a page has room for. */
  #payload(page: Buffer, at: number): Buffer {
    const { usable } = this.#pages;
    const { value: size, next } = varint(page, at);
    const start = varint(page, next).next;
    this.#left -= size;
    if (this.#left < 0) throw new Error('it claims more bytes than the file has');
    if (size <= usable - 35) return cut(page, start, size);
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const fitting = least + ((size - least) % (usable - 4));
    const local = fitting <= usable - 35 ? fitting : least;
    const parts = [cut(page, start, local)];
    let missing = size - local;
    for (let overflow = page.readUInt32BE(start + local); missing > 0; ) {
      const more = this.#pages.page(overflow);
      const part = cut(more, 4, Math.min(missing, usable - 4));
      parts.push(part);
      missing -= part.length;
      overflow = more.readUInt32BE(0);
    }
    return Buffer.concat(parts, size);
  }
}

function cut(page: Buffer, start: number, size: number): Buffer {
  if (start + size > page.length) throw new Error('it ends beyond its page');
  return page.subarray(start, start + size);
}

/**
 * Rows of one table of a SQLite database in memory, in key order. Own reader instead of a library: nothing a hostile
 * schema holds (views, triggers, virtual tables, generated columns) is ever executed, a broken page costs its rows
 * alone, and neither a temporary file nor a second copy is needed.
 *
 * @throws Error where it is no database or has no such table
 */
export function* readSqliteTable(
  source: Uint8Array,
  log: Uint8Array | undefined,
  table: string,
  report: ReportProblem,
): Generator<readonly SqliteValue[], void> {
  const pages = openSqlitePages(source, log);
  for (const [type, name, , root] of new TableWalk(pages, report).rows(1)) {
    const isWanted = Buffer.isBuffer(type) && type.toString() === 'table' && Buffer.isBuffer(name);
    if (isWanted && name.toString() === table && typeof root === 'number' && root > 1) {
      yield* new TableWalk(pages, report).rows(root);
      return;
    }
  }
  throw new Error(`it has no table ${table}`);
}
