import { messageOf } from '../base/index.ts';
import { DEFERRED_LIMIT, HEAD_BYTES, PACKAGES_PER_FILE, PACKAGES_PER_LAYER, PROBLEMS_PER_FILE } from './limits.ts';
import type { ReaderSet } from './reader-set.ts';
import type { ContentFile, ContentReader, ContentStream, FileFinding, ReadResult } from './types.ts';

/** Takes a file's content as it passes. */
export interface ContentSink {
  write(chunk: Buffer): void;
  end(): void;
}

interface Deferred {
  readonly reader: ContentReader;
  readonly file: ContentFile;
  readonly bytes: Buffer;
}

/** All readers over the files of one layer (or folder), while they pass. */
export class LayerReading {
  readonly #readers: ReaderSet;
  /** By path, because an archive may hold a path twice: the later one counts. */
  readonly #found = new Map<string, FileFinding[]>();
  readonly #deferred = new Map<string, Deferred[]>();
  #deferredBytes = 0;
  #packages = 0;

  constructor(readers: ReaderSet) {
    this.#readers = readers;
  }

  /** @returns what takes the file's content, or undefined where nobody wants it */
  entry(path: string, size: number, mode: number): ContentSink | undefined {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const named = this.#readers.named(name);
    const program = this.#readers.mayBeProgram({ size, mode, name });
    if (named === undefined && !program) return undefined;
    const file: ContentFile = { path, name, size, mode };
    this.#forget(path);
    const sinks = (named ?? []).flatMap((reader) => this.#open(reader, file, Buffer.alloc(0)) ?? []);
    if (program) sinks.push(this.#sniff(file, new Set(named)));
    if (sinks.length <= 1) return sinks[0];
    return {
      write: (chunk) => {
        for (const sink of sinks) sink.write(chunk);
      },
      end: () => {
        for (const sink of sinks) sink.end();
      },
    };
  }

  /** What was found, by path. Resolves once deferred readers are done. */
  async finish(): Promise<readonly FileFinding[]> {
    for (const list of this.#deferred.values()) {
      for (const { reader, file, bytes } of list) {
        this.#add(reader, file, await attempt(async () => reader.read?.(file, bytes)));
      }
    }
    this.#deferred.clear();
    return [...this.#found.values()].flat().sort((a, b) => order(a.path, b.path) || order(a.reader, b.reader));
  }

  #forget(path: string): void {
    this.#found.delete(path);
    for (const { bytes } of this.#deferred.get(path) ?? []) this.#deferredBytes -= bytes.length;
    this.#deferred.delete(path);
  }

  #open(reader: ContentReader, file: ContentFile, head: Buffer): ContentSink | undefined {
    let want: ReturnType<ContentReader['wants']>;
    try {
      want = reader.wants(file, head);
    } catch (error) {
      this.#problem(reader, file, messageOf(error));
      return undefined;
    }
    if (want === 'no') return undefined;
    if (want.kind === 'stream') return this.#stream(reader, file);
    if (file.size > want.limit) {
      this.#problem(reader, file, `has ${file.size} bytes, more than ${want.limit} that are read`);
      return undefined;
    }
    if (reader.deferred === true && this.#deferredBytes + file.size > DEFERRED_LIMIT) {
      this.#problem(reader, file, `over the ${DEFERRED_LIMIT} bytes of such files that are read of one layer`);
      return undefined;
    }
    if (reader.deferred === true) this.#deferredBytes += file.size;
    return this.#whole(reader, file);
  }

  #stream(reader: ContentReader, file: ContentFile): ContentSink {
    let stream: ContentStream | undefined;
    const guard = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        stream = undefined;
        this.#problem(reader, file, messageOf(error));
      }
    };
    guard(() => {
      stream = reader.open?.(file);
    });
    return {
      write: (chunk) => guard(() => stream?.write(chunk)),
      end: () =>
        guard(() => {
          const result = stream?.end();
          if (result !== undefined) this.#add(reader, file, result);
        }),
    };
  }

  #whole(reader: ContentReader, file: ContentFile): ContentSink {
    const parts: Buffer[] = [];
    let done = false;
    const finish = (bytes: Buffer): void => {
      done = true;
      if (reader.deferred === true) {
        const list = this.#deferred.get(file.path) ?? [];
        this.#deferred.set(file.path, [...list, { reader, file, bytes }]);
        return;
      }
      try {
        const result = reader.read?.(file, bytes);
        if (result !== undefined && !(result instanceof Promise)) this.#add(reader, file, result);
      } catch (error) {
        this.#problem(reader, file, messageOf(error));
      }
    };
    return {
      write: (chunk) => {
        // Most files come in one piece: no copy where nothing outlives the call.
        if (parts.length === 0 && chunk.length === file.size && reader.deferred !== true) finish(chunk);
        else parts.push(Buffer.from(chunk));
      },
      end: () => {
        if (!done) finish(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
      },
    };
  }

  /** Asks the readers that the first bytes choose, except those that the name chose already. */
  #sniff(file: ContentFile, asked: ReadonlySet<ContentReader>): ContentSink {
    const wanted = Math.min(HEAD_BYTES, file.size);
    let head: Buffer | undefined;
    let sinks: readonly ContentSink[] | undefined;
    const choose = (bytes: Buffer): readonly ContentSink[] =>
      this.#readers
        .byMagic(bytes, file)
        .filter((reader) => !asked.has(reader))
        .flatMap((reader) => this.#open(reader, file, bytes.subarray(0, HEAD_BYTES)) ?? []);
    const pass = (chunk: Buffer): void => {
      for (const sink of sinks ?? []) sink.write(chunk);
    };
    return {
      write: (chunk) => {
        if (sinks !== undefined) return pass(chunk);
        const sofar = head === undefined ? chunk : Buffer.concat([head, chunk]);
        if (sofar.length < wanted) {
          head = Buffer.from(sofar);
          return;
        }
        sinks = choose(sofar);
        head = undefined;
        pass(sofar);
      },
      end: () => {
        for (const sink of sinks ?? []) sink.end();
      },
    };
  }

  #problem(reader: ContentReader, file: ContentFile, reason: string): void {
    this.#add(reader, file, { problems: [reason] });
  }

  #add(reader: ContentReader, file: ContentFile, result: ReadResult): void {
    const { packages = [], problems = [], facts } = result;
    if (packages.length + problems.length === 0 && facts === undefined) return;
    const room = Math.min(PACKAGES_PER_FILE, PACKAGES_PER_LAYER - this.#packages);
    const kept = packages.slice(0, room);
    this.#packages += kept.length;
    const all = [
      ...problems.slice(0, PROBLEMS_PER_FILE),
      ...(problems.length > PROBLEMS_PER_FILE ? [`and ${problems.length - PROBLEMS_PER_FILE} more problems`] : []),
      ...(kept.length < packages.length ? [`names ${packages.length} packages, of which ${kept.length} are kept`] : []),
    ];
    const finding: FileFinding = {
      reader: reader.id,
      path: file.path,
      ...(kept.length === 0 ? {} : { packages: kept }),
      ...(facts === undefined ? {} : { facts }),
      ...(all.length === 0 ? {} : { problems: all }),
    };
    const list = this.#found.get(file.path);
    if (list === undefined) this.#found.set(file.path, [finding]);
    else list.push(finding);
  }
}

async function attempt(read: () => Promise<ReadResult | undefined>): Promise<ReadResult> {
  try {
    return (await read()) ?? {};
  } catch (error) {
    return { problems: [messageOf(error)] };
  }
}

/** Code unit order: the same on every machine, whatever its locale. */
const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
