import type { LoadedPart } from '../../elf/index.ts';
import { KeptBytes, NeedleSearch } from '../binary/passing.ts';
import { constantParts } from '../binary/program-map.ts';
import type { ProgramMap } from '../binary/types.ts';
import { type GoBuild, parseModuleText } from './build.ts';
import { BUILD_ALIGN, BUILD_MAGIC, type HeaderRead, MAX_TEXT, readHeader } from './header.ts';
import { PointedStrings } from './pointed-strings.ts';

export type GoRead =
  | { readonly kind: 'none' }
  | { readonly kind: 'found'; readonly build: GoBuild }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Places that begin like build information and are looked at; a program that reads others' has a few. */
const MAX_PLACES = 32;

/** Bytes from the magic on, and how many must be there before they are worth a look. */
interface Place {
  readonly kept: KeptBytes;
  readonly needed: number;
}

/**
 * Finds the build information of a Go program in a file that passes once. It lies among the variables, in newer
 * toolchains' programs among the constants; programs of Go 1.13 to 1.17 have addresses there, of texts that passed
 * before, which `PointedStrings` remembers.
 */
export class GoSearch {
  readonly #map: ProgramMap;
  readonly #parts: readonly LoadedPart[];
  readonly #magic = new NeedleSearch(BUILD_MAGIC, (offset) => this.#open(offset));
  #pointed: PointedStrings | undefined;
  #places: Place[] = [];
  #opened = 0;
  #found: Exclude<HeaderRead, { kind: 'more' | 'invalid' }> | undefined;

  constructor(map: ProgramMap) {
    this.#map = map;
    const variables = map.parts.filter(({ isWritable, isExecutable }) => isWritable && !isExecutable);
    // Constants of other programs are not looked through: they are most of a file.
    const constants = map.isGo === 'no' ? [] : constantParts(map);
    this.#parts = [...constants, ...variables].sort((a, b) => a.offset - b.offset);
    if (map.isGo !== 'no') this.#pointed = new PointedStrings(map, constants, variables);
  }

  write(chunk: Buffer, at: number): void {
    if (this.#found?.kind === 'inline') return;
    this.#pointed?.write(chunk, at);
    if (this.#found !== undefined) return;
    for (const { offset, size } of this.#parts) {
      const from = Math.max(offset, at);
      const to = Math.min(offset + size, at + chunk.length);
      if (from < to) this.#magic.write(chunk.subarray(from - at, to - at), from);
    }
    if (this.#places.length > 0) this.#follow(chunk, at);
  }

  end(): GoRead {
    const found = this.#found;
    if (found === undefined) {
      const isGo = this.#map.isGo === 'yes' || (this.#map.isGo === 'likely' && this.#pointed?.namesToolchain === true);
      if (!isGo) return { kind: 'none' };
      return {
        kind: 'unreadable',
        reason: 'a Go program without build information: older than Go 1.13, or it was removed',
      };
    }
    if (found.kind === 'inline') return { kind: 'found', build: parseModuleText(found.toolchain, found.text) };
    const texts = this.#pointed?.resolve(found);
    if (texts === undefined) {
      return { kind: 'unreadable', reason: 'a Go program whose build information points to nothing that was kept' };
    }
    return { kind: 'found', build: parseModuleText(texts.toolchain, texts.text) };
  }

  #open(offset: number): void {
    if (offset % BUILD_ALIGN !== 0 || this.#opened >= MAX_PLACES) return;
    this.#opened += 1;
    const place = new KeptBytes(offset, MAX_TEXT + 2048);
    // The magic itself may have begun in the chunk before.
    place.take(BUILD_MAGIC, offset);
    this.#places.push({ kept: place, needed: 0 });
  }

  #follow(chunk: Buffer, at: number): void {
    const open: Place[] = [];
    for (const { kept, needed } of this.#places) {
      kept.take(chunk, at);
      if (kept.length < needed && !kept.isFull) {
        open.push({ kept, needed });
        continue;
      }
      const read = readHeader(kept.bytes);
      if (read.kind === 'more') {
        if (!kept.isFull) open.push({ kept, needed: read.bytes });
      } else if (read.kind !== 'invalid') {
        this.#found = read;
        this.#places = [];
        if (read.kind === 'pointers') this.#pointed?.follow(read);
        else this.#pointed = undefined;
        return;
      }
    }
    this.#places = open;
  }
}
