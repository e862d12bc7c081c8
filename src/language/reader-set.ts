import { createHash } from 'node:crypto';
import type { ContentFile, ContentReader } from './types.ts';

/** Files smaller than this are no programs. */
const MIN_PROGRAM_BYTES = 64;
const EXECUTE_BITS = 0o111;
const LIBRARY = /\.so(?:\.|$)/;

const isExecutable = ({ mode }: Pick<ContentFile, 'mode'>): boolean => (mode & EXECUTE_BITS) !== 0;

/** Readers by what chooses them, so that a file nobody wants costs two look-ups in a map. */
export class ReaderSet {
  /** Changes whenever a layer might be read differently. */
  readonly fingerprint: string;
  readonly #byName = new Map<string, ContentReader[]>();
  readonly #byExtension = new Map<string, ContentReader[]>();
  readonly #byMagic: { readonly magic: Buffer; readonly reader: ContentReader }[] = [];
  readonly #readsLibraries: boolean;

  constructor(readers: readonly ContentReader[]) {
    for (const reader of readers) {
      for (const name of reader.files.names ?? []) append(this.#byName, name, reader);
      for (const extension of reader.files.extensions ?? []) append(this.#byExtension, extension, reader);
      for (const magic of reader.files.magic ?? []) this.#byMagic.push({ magic, reader });
    }
    this.#readsLibraries = readers.some(({ files }) => files.libraries === true);
    const lines = readers.map((reader) => `${reader.id} ${reader.version}\n`).sort();
    this.fingerprint = createHash('sha256').update(lines.join('')).digest('hex').slice(0, 16);
  }

  /** Readers that the file's name chooses; undefined for nearly every file. */
  named(name: string): readonly ContentReader[] | undefined {
    const exact = this.#byName.get(name);
    const dot = name.lastIndexOf('.');
    const byExtension = dot < 0 ? undefined : this.#byExtension.get(name.slice(dot));
    if (exact === undefined || byExtension === undefined) return exact ?? byExtension;
    return [...new Set([...exact, ...byExtension])];
  }

  /** Whether its first bytes might choose a reader. */
  mayBeProgram(file: Pick<ContentFile, 'mode' | 'size' | 'name'>): boolean {
    if (file.size < MIN_PROGRAM_BYTES || this.#byMagic.length === 0) return false;
    return isExecutable(file) || (this.#readsLibraries && LIBRARY.test(file.name));
  }

  /** Readers that the first bytes choose. */
  byMagic(head: Buffer, file: Pick<ContentFile, 'mode'>): readonly ContentReader[] {
    const found = new Set<ContentReader>();
    for (const { magic, reader } of this.#byMagic) {
      if (!isExecutable(file) && reader.files.libraries !== true) continue;
      if (head.length >= magic.length && head.compare(magic, 0, magic.length, 0, magic.length) === 0) found.add(reader);
    }
    return [...found];
  }
}

function append(map: Map<string, ContentReader[]>, key: string, reader: ContentReader): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [reader]);
  else list.push(reader);
}
