import { openDocument } from './read.ts';
import type { Advisory, AdvisoryType, Bytes, ReadOptions } from './types.ts';

/** A document in chunks of a few bytes, so that every boundary is met. */
export async function* inChunks(text: string | Uint8Array, size = 7): Bytes & AsyncGenerator<Uint8Array, void> {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function readAll(
  text: string | Uint8Array,
  type?: AdvisoryType,
  options: Partial<ReadOptions> = {},
): Promise<{
  readonly type: AdvisoryType;
  readonly advisories: readonly Advisory[];
  readonly problems: readonly string[];
}> {
  const problems: string[] = [];
  const document = await openDocument(
    inChunks(text),
    { what: 'the document', onProblem: (problem) => problems.push(problem), ...options },
    type,
  );
  return { type: document.type, advisories: await Array.fromAsync(document.advisories), problems };
}
