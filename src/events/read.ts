import type { DatabaseReader } from '../database/index.ts';
import type { HeraklitEvent } from './envelope.ts';

/** Events one call gives at most. */
export const READ_LIMIT = 1_000;

export interface ReadEventsOptions {
  /** Sequence number to continue after; 0 for the beginning. */
  readonly after: number;
  /** At most this many (and never more than READ_LIMIT). */
  readonly limit: number;
  /** Only these types, for example `io.heraklit.image.outdated`. */
  readonly types?: readonly string[];
}

const sources = new WeakMap<DatabaseReader, string>();

/** Events in commit order. An event is visible here only after everything before it is. */
export async function readEvents(
  reader: DatabaseReader,
  options: ReadEventsOptions,
): Promise<readonly HeraklitEvent[]> {
  const source = await sourceOf(reader);
  let query = reader
    .selectFrom('outbox')
    .selectAll()
    .where('sequence', '>', options.after)
    .orderBy('sequence')
    .limit(Math.max(1, Math.min(options.limit, READ_LIMIT)));
  if (options.types !== undefined) query = query.where('type', 'in', [...options.types]);
  const rows = await query.execute();
  return rows.map((row) => ({
    specversion: '1.0',
    id: row.id,
    source,
    type: row.type,
    subject: row.subject,
    time: row.time.toISOString(),
    datacontenttype: 'application/json',
    data: JSON.parse(row.data) as unknown,
    sequence: row.sequence,
  }));
}

async function sourceOf(reader: DatabaseReader): Promise<string> {
  const known = sources.get(reader);
  if (known !== undefined) return known;
  const row = await reader.selectFrom('metadata').select('value').where('key', '=', 'home').executeTakeFirstOrThrow();
  const source = `/heraklit/${row.value}`;
  sources.set(reader, source);
  return source;
}
