import { parseJson } from './json-document.ts';
import { invalid, MAX_MEMBER_BYTES, MAX_STREAM_BYTES, overLimit } from './limits.ts';
import type { Bytes } from './types.ts';

/** One member of the outermost object, or one item (key '') of the outermost list. */
export interface Member {
  readonly key: string;
  readonly value: unknown;
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d];
const DELIMITERS: ReadonlySet<number> = new Set([COMMA, COLON, CLOSE_OBJECT, CLOSE_LIST]);
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * Finds where the outermost object's or list's members begin and end; `JSON.parse` judges each of them. So a document
 * of any size needs the memory of its largest member.
 */
class MemberSplitter {
  #state: 'start' | 'key' | 'value' | 'ended' = 'start';
  #isObject = false;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #key: string | undefined;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #members = 0;
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  *push(chunk: Uint8Array): Generator<Member, void> {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number;
      if (this.#inString) this.#passString(byte);
      else if (byte === QUOTE) this.#enterString();
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        if (this.#enter(byte)) from = at + 1;
      } else if (this.#depth === 1 && DELIMITERS.has(byte)) {
        this.#keep(chunk.subarray(from, at));
        from = at + 1;
        yield* this.#delimiter(byte);
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) this.#depth -= 1;
      else if (this.#depth === 0) this.#passOutside(byte);
    }
    if (this.#depth > 0) this.#keep(chunk.subarray(from));
  }

  #passString(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }

  #enterString(): void {
    if (this.#state === 'start' || this.#state === 'ended') throw this.#broken();
    this.#inString = true;
  }

  /** @returns true for the outermost bracket */
  #enter(byte: number): boolean {
    this.#depth += 1;
    if (this.#depth > 1) return false;
    if (this.#state !== 'start') throw this.#broken();
    this.#isObject = byte === OPEN_OBJECT;
    this.#state = this.#isObject ? 'key' : 'value';
    return true;
  }

  #passOutside(byte: number): void {
    if (!isSpace(byte) && !(this.#state === 'start' && isByteOrderMark(byte))) throw this.#broken();
  }

  finish(): void {
    if (this.#state !== 'ended') throw invalid(this.#what, 'the JSON document breaks off');
  }

  *#delimiter(byte: number): Generator<Member, void> {
    if (byte === COLON) {
      if (this.#state !== 'key') throw this.#broken();
      const key = parseJson(this.#take(), this.#what);
      if (typeof key !== 'string') throw this.#broken();
      this.#key = key;
      this.#state = 'value';
      return;
    }
    const ends = byte !== COMMA;
    if (ends && (byte === CLOSE_OBJECT) !== this.#isObject) throw this.#broken();
    const text = this.#take();
    const isEmpty = text.every(isSpace);
    if (this.#state === 'value' && !isEmpty) {
      this.#members += 1;
      yield { key: this.#key ?? '', value: parseJson(text, this.#what) };
    } else if (!(isEmpty && ends && this.#members === 0 && this.#key === undefined)) throw this.#broken();
    this.#key = undefined;
    if (ends) this.#depth = 0;
    this.#state = ends ? 'ended' : this.#isObject ? 'key' : 'value';
  }

  #keep(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#bytes += piece.length;
    if (this.#bytes > MAX_MEMBER_BYTES) throw overLimit(this.#what, 'one member (bytes)', MAX_MEMBER_BYTES);
    this.#pieces.push(Uint8Array.from(piece));
  }

  #take(): Uint8Array {
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    return whole;
  }

  #broken(): Error {
    return invalid(
      this.#what,
      `is not JSON (member ${this.#members + 1}${this.#key === undefined ? '' : ` ${JSON.stringify(this.#key.slice(0, 80))}`})`,
    );
  }
}

const isByteOrderMark = (byte: number): boolean => byte === 0xef || byte === 0xbb || byte === 0xbf;

/**
 * Members of the outermost object, or items of the outermost list, one by one as they arrive.
 * @throws ADVISORY_INVALID, ADVISORY_LIMIT
 */
export async function* readMembers(bytes: Bytes, what: string): AsyncGenerator<Member, void> {
  const splitter = new MemberSplitter(what);
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > MAX_STREAM_BYTES) throw overLimit(what, 'the document (bytes)', MAX_STREAM_BYTES);
    yield* splitter.push(chunk);
  }
  splitter.finish();
}

/** Lines of JSON (https://github.com/ndjson/ndjson-spec); empty ones are passed over. */
export async function* readLines(bytes: Bytes, what: string): AsyncGenerator<unknown, void> {
  let rest: Uint8Array[] = [];
  let kept = 0;
  let size = 0;
  const parse = (line: Uint8Array): unknown[] => (line.every(isSpace) ? [] : [parseJson(line, what)]);
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > MAX_STREAM_BYTES) throw overLimit(what, 'the document (bytes)', MAX_STREAM_BYTES);
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      yield* parse(Buffer.concat([...rest, chunk.subarray(from, at)]));
      rest = [];
      kept = 0;
      from = at + 1;
    }
    const piece = Uint8Array.from(chunk.subarray(from));
    kept += piece.length;
    if (kept > MAX_MEMBER_BYTES) throw overLimit(what, 'one line (bytes)', MAX_MEMBER_BYTES);
    rest.push(piece);
  }
  yield* parse(Buffer.concat(rest));
}
