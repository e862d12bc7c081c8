import type { LoadedPart } from '../../elf/index.ts';
import { KeptBytes, NeedleSearch } from '../binary/passing.ts';
import { offsetOfAddress } from '../binary/program-map.ts';
import type { ProgramMap } from '../binary/types.ts';
import { isToolchain, MAX_TEXT, readWord, TEXT_END, TEXT_START, type WordLayout, withoutMarks } from './header.ts';

/** What toolchains that used addresses are called. */
const RELEASE = Buffer.from('go1.');
const DEVELOPMENT = Buffer.from('devel ');
/** Bytes of a toolchain's name. */
const MAX_NAME = 256;
/** Places that begin like a toolchain's name. */
const MAX_NAMES = 2000;
/** Places that begin like a module text. */
const MAX_TEXTS = 8;
/** Bytes of variables that are kept until the addresses are known; few stand before them. */
const MAX_VARIABLES = 4 * 1024 * 1024;

/** Addresses of two Go strings. */
export interface Pointers {
  readonly toolchain: number;
  readonly text: number;
  readonly layout: WordLayout;
}

/**
 * The two texts that build information of Go 1.13 to 1.17 points to. They lie among the constants, which pass before the
 * pointers do, so all that look like them are kept, by where they lie.
 */
export class PointedStrings {
  readonly #map: ProgramMap;
  readonly #constants: readonly LoadedPart[];
  readonly #searches: readonly NeedleSearch[];
  /** Variables that pass before the addresses are known, and then those they point to. */
  #variables: readonly KeptBytes[];
  readonly #names: KeptBytes[] = [];
  readonly #texts: KeptBytes[] = [];
  #open: KeptBytes[] = [];

  constructor(map: ProgramMap, constants: readonly LoadedPart[], variables: readonly LoadedPart[]) {
    this.#map = map;
    this.#constants = constants;
    this.#variables = variables.map(({ offset, size }) => new KeptBytes(offset, Math.min(size, MAX_VARIABLES)));
    const name = (needle: Buffer): NeedleSearch =>
      new NeedleSearch(needle, (offset) => {
        if (this.#names.length < MAX_NAMES) this.#begin(this.#names, offset, MAX_NAME, needle);
      });
    this.#searches = [
      name(RELEASE),
      name(DEVELOPMENT),
      new NeedleSearch(TEXT_START, (offset) => {
        // The reader of build information in the program itself has the mark too.
        if (this.#texts.length < MAX_TEXTS) this.#begin(this.#texts, offset, MAX_TEXT, TEXT_START);
      }),
    ];
  }

  write(chunk: Buffer, at: number): void {
    for (const kept of this.#variables) kept.take(chunk, at);
    for (const { offset, size } of this.#constants) {
      const from = Math.max(offset, at);
      const to = Math.min(offset + size, at + chunk.length);
      if (from >= to) continue;
      for (const search of this.#searches) search.write(chunk.subarray(from - at, to - at), from);
    }
    if (this.#open.length === 0) return;
    for (const kept of this.#open) kept.take(chunk, at);
    this.#open = this.#open.filter((kept) => !kept.isFull && !isEnded(kept));
  }

  /** Some text among the constants begins like a toolchain's name. */
  get namesToolchain(): boolean {
    return this.#names.some(({ bytes }) => /^go1\.\d/.test(bytes.toString('latin1', 0, 8)));
  }

  /** Says which addresses count: of all other variables that are still to pass, nothing is kept. */
  follow({ toolchain, text, layout }: Pointers): void {
    const bytes = 2 * layout.wordBytes;
    const wanted = [toolchain, text].flatMap((address) => {
      const offset = offsetOfAddress(this.#map, address);
      return offset === undefined ? [] : [new KeptBytes(offset, bytes)];
    });
    for (const kept of wanted) for (const one of this.#variables) kept.take(one.bytes, one.start);
    this.#variables = wanted;
  }

  /** The texts that two Go strings at these addresses hold. */
  resolve(pointers: Pointers): { readonly toolchain: string; readonly text: string } | undefined {
    const toolchain = this.#stringAt(pointers.toolchain, pointers.layout, this.#names)?.toString('utf8');
    if (toolchain === undefined || !isToolchain(toolchain)) return undefined;
    const text = this.#stringAt(pointers.text, pointers.layout, this.#texts);
    return { toolchain, text: text === undefined ? '' : withoutMarks(text) };
  }

  #begin(list: KeptBytes[], offset: number, limit: number, needle: Buffer): void {
    const kept = new KeptBytes(offset, limit);
    kept.take(needle, offset);
    list.push(kept);
    this.#open.push(kept);
  }

  /** Bytes of a Go string: an address and a length, among the variables. */
  #stringAt(address: number, layout: WordLayout, texts: readonly KeptBytes[]): Buffer | undefined {
    const header = this.#variableAt(address, 2 * layout.wordBytes);
    if (header === undefined) return undefined;
    const length = readWord(header, layout.wordBytes, layout);
    const start = offsetOfAddress(this.#map, readWord(header, 0, layout));
    const kept = texts.find((one) => one.start === start);
    return kept === undefined || kept.length < length ? undefined : kept.bytes.subarray(0, length);
  }

  #variableAt(address: number, length: number): Buffer | undefined {
    const offset = offsetOfAddress(this.#map, address);
    if (offset === undefined) return undefined;
    const kept = this.#variables.find(({ start, length: size }) => offset >= start && offset + length <= start + size);
    return kept?.bytes.subarray(offset - kept.start, offset - kept.start + length);
  }
}

/** A module text ends in a mark of its own. */
function isEnded(kept: KeptBytes): boolean {
  return kept.length > MAX_NAME && kept.bytes.includes(TEXT_END);
}
