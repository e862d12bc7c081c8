import { readFileSync } from 'node:fs';
import { packageFile } from '../base/index.ts';

/** Bytes at the start of the memory that are the decoder's own; input and output lie behind them. */
export const DECODER_BYTES = 32_768;
/** How far back a match reaches: so many bytes below where output (re)starts must be free (RFC 1951). */
export const WINDOW_BYTES = 32_768;
const PAGE_BYTES = 65_536;

/** `input`: all input was taken. `full`: no room for more. `ended`: the stream has, `nextInput` bytes may follow. */
export type InflateState = 'input' | 'full' | 'ended';

/** Linear memory of WebAssembly that threads share. */
export interface InflateMemory {
  readonly buffer: SharedArrayBuffer;
}

interface InflateExports {
  readonly inNext: { value: number };
  readonly outNext: { value: number };
  readonly start: () => void;
  readonly moveOutput: (to: number) => void;
  readonly spareByte: () => number;
  readonly inflate: (inEnd: number, outEnd: number) => number;
}

/** As much of the JavaScript interface as is used here: its types come with those of browsers, which we do not have. */
interface WebAssemblyInterface {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => InflateMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: InflateMemory } },
  ) => { readonly exports: InflateExports };
}

const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface };

/** What the decoder's verdicts are called, in zlib's words: nobody should have to know who decoded. */
const PROBLEMS: Readonly<Record<number, string>> = {
  [-1]: 'invalid block type',
  [-2]: 'invalid stored block lengths',
  [-3]: 'too many length or distance symbols',
  [-4]: 'invalid code lengths set',
  [-5]: 'invalid bit length repeat',
  [-6]: 'invalid code -- missing end-of-block',
  [-7]: 'invalid literal/lengths set',
  [-8]: 'invalid distances set',
  [-9]: 'invalid literal/length code',
  [-10]: 'invalid distance code',
  [-11]: 'invalid distance too far back',
};
const STATES: readonly InflateState[] = ['input', 'full', 'ended'];

/** Memory for a decoder, which several threads may look at. @param bytes input and output, and `DECODER_BYTES` */
export function inflateMemory(bytes: number): InflateMemory {
  const pages = Math.ceil(bytes / PAGE_BYTES);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/**
 * Decodes deflate (RFC 1951) from places of one memory to places of it, both the caller's: data/inflate.wasm, made of
 * scripts/inflate/inflate.ts. It cannot write outside that memory, whatever it is given.
 */
export class WasmInflate {
  readonly #exports: InflateExports;

  constructor(memory: InflateMemory) {
    const module = new WebAssembly.Module(readFileSync(packageFile('data/inflate.wasm')));
    this.#exports = new WebAssembly.Instance(module, { env: { memory } }).exports;
  }

  /** A new stream, whose output begins at address `at`. */
  start(at: number): void {
    this.#exports.outNext.value = at;
    this.#exports.start();
  }

  /** Output goes on at another address; `WINDOW_BYTES` below it are overwritten with what matches may reach. */
  moveOutput(to: number): void {
    this.#exports.moveOutput(to);
  }

  /** Where the next byte of output goes. */
  get output(): number {
    return this.#exports.outNext.value;
  }

  /** The first byte that was not taken. */
  get input(): number {
    return this.#exports.inNext.value;
  }

  /**
   * Takes bytes from address `at` to before `end`, gives bytes to before address `outEnd`.
   * @throws Z_DATA_ERROR with zlib's words
   */
  inflate(at: number, end: number, outEnd: number): InflateState {
    this.#exports.inNext.value = at;
    const status = this.#exports.inflate(end, outEnd);
    if (status < 0) throw Object.assign(new Error(PROBLEMS[status] ?? 'invalid data'), { code: 'Z_DATA_ERROR' });
    return STATES[status] as InflateState;
  }

  /** After the end: bytes that were taken and are not the stream's, at most seven, in order. */
  *spare(): Generator<number, void, undefined> {
    for (let byte = this.#exports.spareByte(); byte >= 0; byte = this.#exports.spareByte()) yield byte;
  }
}
