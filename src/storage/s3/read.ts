import type { ByteRange } from '../blob-store.ts';
import type { S3Connection } from './connection.ts';
import { asS3Error } from './failures.ts';
import { getObject } from './objects.ts';

/** Times that one body is asked for again, from where it broke off. */
const RESUMES = 3;

export interface OpenedObject {
  readonly content: AsyncGenerator<Uint8Array>;
  /** Bytes of the whole object. */
  readonly size: number;
}

/** An object's bytes; where the connection breaks midway they are asked for again from there. */
export async function openObject(
  s3: S3Connection,
  name: string,
  range: ByteRange | undefined,
): Promise<OpenedObject | 'missing' | 'outside'> {
  let first: Awaited<ReturnType<typeof getObject>>;
  try {
    first = await getObject(s3, name, range);
  } catch (error) {
    const cause = (error as Error).cause as { $metadata?: { httpStatusCode?: number } } | undefined;
    if (range !== undefined && cause?.$metadata?.httpStatusCode === 416) return 'outside';
    throw error;
  }
  if (first === undefined) return 'missing';
  const { size } = first;
  // Servers answer a range of an empty object with all of it, that is with nothing.
  if (range !== undefined && range.start >= size) {
    first.discard();
    return 'outside';
  }
  const end = Math.min(range?.end ?? size - 1, size - 1);

  async function* content(): AsyncGenerator<Uint8Array> {
    let position = range?.start ?? 0;
    let body = first;
    try {
      for (let resumes = 0; ; resumes += 1) {
        try {
          for await (const chunk of body?.content ?? []) {
            position += chunk.length;
            yield chunk;
          }
          return;
        } catch (error) {
          if (resumes === RESUMES || position > end) throw asS3Error(error, s3.where);
          body = await getObject(s3, name, { start: position, end });
        }
      }
    } finally {
      body?.discard();
    }
  }
  return { content: content(), size };
}
