/** Why a text is no stanza; `line` counts from 0 within it. */
export interface StanzaProblem {
  readonly line: number;
  readonly problem: string;
}

interface Field {
  readonly name: string;
  /** One character per byte, first line trimmed, continuation lines verbatim. */
  readonly raw: string;
}

const BAD_NAME = /[^\x21-\x7e]/;
const NON_ASCII = /[\x80-\xff]/;

const decode = (raw: string): string => (NON_ASCII.test(raw) ? Buffer.from(raw, 'latin1').toString('utf8') : raw);
const encode = (value: string): string => Buffer.from(value, 'utf8').toString('latin1');

/**
 * One paragraph of a control file: fields in their order, names without regard to case.
 * Kept byte for byte inside, so that a database read and written again keeps text of any encoding.
 */
export class Stanza {
  readonly #fields: Map<string, Field>;

  private constructor(fields: Map<string, Field>) {
    this.#fields = fields;
  }

  static of(fields: Iterable<readonly [name: string, value: string]>): Stanza {
    return new Stanza(new Map([...fields].map(([name, value]) => [name.toLowerCase(), { name, raw: encode(value) }])));
  }

  /** Text with one character per byte (see controlText) → stanza, or what is wrong with it. */
  static fromText(text: string): Stanza | StanzaProblem {
    const fields = new Map<string, Field>();
    let line = 0;
    for (let start = 0; start < text.length; line += 1) {
      let end = text.indexOf('\n', start);
      if (end < 0) end = text.length;
      if (text.charCodeAt(start) === 35) {
        start = end + 1;
        continue;
      }
      const firstLine = line;
      // Continuation lines belong to the value and are kept as they are.
      while (end < text.length && (text.charCodeAt(end + 1) === 32 || text.charCodeAt(end + 1) === 9)) {
        const next = text.indexOf('\n', end + 1);
        end = next < 0 ? text.length : next;
        line += 1;
      }
      const colon = text.indexOf(':', start);
      if (colon < 0 || colon > end) return { line: firstLine, problem: 'no field name' };
      const name = text.slice(start, colon);
      if (name === '' || name.charCodeAt(0) === 45 || BAD_NAME.test(name)) {
        return { line: firstLine, problem: 'bad field name' };
      }
      const key = name.toLowerCase();
      if (fields.has(key)) return { line: firstLine, problem: `field ${name} stands twice` };
      fields.set(key, { name, raw: trimValue(text, colon + 1, end) });
      start = end + 1;
    }
    return new Stanza(fields);
  }

  get size(): number {
    return this.#fields.size;
  }

  /** Value of a field, decoded as UTF-8; continuation lines keep their leading space. Undefined when absent. */
  get(name: string): string | undefined {
    const field = this.#fields.get(name.toLowerCase());
    return field === undefined ? undefined : decode(field.raw);
  }

  has(name: string): boolean {
    return this.#fields.has(name.toLowerCase());
  }

  /** Field names as written, in order. */
  names(): string[] {
    return [...this.#fields.values()].map((field) => field.name);
  }

  *[Symbol.iterator](): Generator<readonly [name: string, value: string], void> {
    for (const field of this.#fields.values()) yield [field.name, decode(field.raw)];
  }

  /** A copy with some fields set, or removed where the value is undefined. New fields come last. */
  with(changes: Readonly<Record<string, string | undefined>>): Stanza {
    const fields = new Map(this.#fields);
    for (const [name, value] of Object.entries(changes)) {
      const key = name.toLowerCase();
      if (value === undefined) fields.delete(key);
      else fields.set(key, { name: fields.get(key)?.name ?? name, raw: encode(value) });
    }
    return new Stanza(fields);
  }

  /** A copy with its fields in the order of the lower-case names given; all others after them, in their own order. */
  ordered(names: readonly string[]): Stanza {
    const fields = new Map<string, Field>();
    for (const key of names) {
      const field = this.#fields.get(key);
      if (field !== undefined) fields.set(key, field);
    }
    for (const [key, field] of this.#fields) if (!fields.has(key)) fields.set(key, field);
    return new Stanza(fields);
  }

  /** deb822 text, one character per byte, every line ended by a newline. */
  toText(): string {
    let text = '';
    for (const { name, raw } of this.#fields.values()) {
      text += raw === '' || raw.startsWith('\n') ? `${name}:${raw}\n` : `${name}: ${raw}\n`;
    }
    return text;
  }

  toBytes(): Buffer {
    return Buffer.from(this.toText(), 'latin1');
  }
}

/** Blanks around the first line and at the very end go; a value whose first line is empty starts with a newline. */
function trimValue(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1;
  while (start < end && (text.charCodeAt(start) === 32 || text.charCodeAt(start) === 9)) start += 1;
  return text.slice(start, end);
}

const isSpace = (code: number): boolean => code === 32 || code === 9 || code === 13 || code === 10;
