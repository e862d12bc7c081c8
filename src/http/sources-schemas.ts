import { type Static, Type } from 'typebox';
import { closed, count, type Matches, oneOf, orNull, text, time } from './schema-parts.ts';
import type * as contract from './sources-contract.ts';

const Counts = Type.Object(
  {
    listed: count,
    unchanged: count,
    known: count,
    read: count,
    ended: count,
    skipped: count,
    failed: count,
    complete: Type.Boolean(),
    firstFailure: Type.Optional(Type.Object({ reference: text, code: text, message: text }, closed)),
  },
  closed,
);

export const Sources = Type.Object(
  {
    sources: Type.Array(
      Type.Object(
        {
          source: text,
          state: oneOf(['waiting', 'crawling', 'failed'] as const),
          next: time,
          failures: count,
          started: orNull(time),
          finished: orNull(time),
          succeeded: orNull(time),
          error: orNull(Type.Object({ code: text, message: text }, closed)),
          progress: orNull(count),
          last: orNull(Counts),
        },
        closed,
      ),
    ),
  },
  closed,
);

/** Does not compile when the schema and the contract part ways. */
export type Checked = [Matches<contract.Sources, Static<typeof Sources>>];
