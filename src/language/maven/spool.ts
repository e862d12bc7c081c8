import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ByteSource, bufferSource, fileSource } from '../../archive/index.ts';

/** Bytes of a jar that are held in memory; larger ones go to a file that has no name, and is gone with the process. */
const IN_MEMORY = 1024 * 1024;

/** A file that passes in chunks and is read at any place afterwards. */
export class Spool {
  #chunks: Buffer[] = [];
  #length = 0;
  #file: number | undefined;

  write(chunk: Buffer): void {
    if (this.#file === undefined && this.#length + chunk.length > IN_MEMORY) {
      this.#file = openUnnamed();
      for (const kept of this.#chunks) writeAll(this.#file, kept);
      this.#chunks = [];
    }
    if (this.#file === undefined) this.#chunks.push(Buffer.from(chunk));
    else writeAll(this.#file, chunk);
    this.#length += chunk.length;
  }

  /** All of it, for the time of the call. */
  use<T>(act: (source: ByteSource) => T): T {
    try {
      if (this.#file !== undefined) return act(fileSource(this.#file, this.#length));
      const source = bufferSource(Buffer.concat(this.#chunks));
      this.#chunks = [];
      return act(source);
    } finally {
      this.close();
    }
  }

  close(): void {
    this.#chunks = [];
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

function openUnnamed(): number {
  const folder = mkdtempSync(join(tmpdir(), 'heraklit-jar-'));
  try {
    return openSync(join(folder, 'jar'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function writeAll(file: number, chunk: Buffer): void {
  for (let done = 0; done < chunk.length; ) done += writeSync(file, chunk, done);
}
