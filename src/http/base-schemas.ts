import { type Static, Type } from 'typebox';
import type * as contract from './base-contract.ts';
import { closed, count, type Matches, oneOf, orNull, text } from './schema-parts.ts';

export const ImageBase = Type.Object(
  {
    image: text,
    base: orNull(
      Type.Object(
        {
          digest: text,
          reference: orNull(text),
          evidence: oneOf(['recipe', 'annotation', 'layers', 'packages'] as const),
          score: orNull(Type.Number({ minimum: 0, maximum: 1 })),
          same: orNull(count),
          named: orNull(count),
          packages: orNull(count),
        },
        closed,
      ),
    ),
  },
  closed,
);

/** Does not compile when the schema and the contract part ways. */
export type Checked = [Matches<contract.ImageBase, Static<typeof ImageBase>>];
