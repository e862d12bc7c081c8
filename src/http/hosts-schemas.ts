import { type Static, Type } from 'typebox';
import type * as contract from './hosts-contract.ts';
import { closed, count, type Matches, next, orNull, text, time } from './schema-parts.ts';

/** Of names, versions and references. */
const short = Type.String({ maxLength: 1024 });
const stamp = Type.String({ format: 'date-time', description: 'RFC 3339, by the clock of the host' });

/** What a newer agent says besides is passed over. */
export const HostReport = Type.Object({
  host: Type.Object({
    id: Type.String({ pattern: '^[A-Za-z0-9._:-]{1,128}$' }),
    name: Type.String({ minLength: 1, maxLength: 255 }),
  }),
  observedAt: stamp,
  sentAt: stamp,
  validFor: Type.Integer({
    minimum: 1,
    description: 'seconds for which it counts where no other follows; a week at most',
  }),
  containers: Type.Array(
    Type.Object({
      id: Type.String({ minLength: 1, maxLength: 128 }),
      engine: Type.String({ maxLength: 64 }),
      name: orNull(short),
      image: orNull(short),
      digests: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 32 }),
      restartDue: Type.Boolean(),
      packages: Type.Array(
        Type.Object({ package: short, loaded: orNull(short), installed: short, restartDue: Type.Boolean() }),
        { maxItems: 10_000 },
      ),
      problem: Type.Optional(Type.String({ maxLength: 4096 })),
    }),
    { maxItems: 10_000 },
  ),
  unread: count,
});

export const ReportAnswer = Type.Object(
  { accepted: Type.Boolean(), containers: count, known: count, expires: time },
  closed,
);

const container = {
  id: text,
  engine: text,
  name: orNull(text),
  image: orNull(text),
  digest: orNull(text),
  restartDue: Type.Boolean(),
  problem: orNull(text),
  packages: Type.Array(
    Type.Object(
      { package: text, loaded: orNull(text), installed: text, restartDue: Type.Boolean(), since: time },
      closed,
    ),
  ),
};

export const Hosts = Type.Object(
  {
    hosts: Type.Array(
      Type.Object(
        {
          id: text,
          name: text,
          observed: time,
          expires: time,
          current: Type.Boolean(),
          unread: count,
          containers: Type.Array(Type.Object(container, closed)),
        },
        closed,
      ),
    ),
    next,
  },
  closed,
);

export const Running = Type.Object(
  { containers: Type.Array(Type.Object({ host: text, ...container }, closed)) },
  closed,
);

/** Does not compile when a schema and the contract part ways. */
export type Checked = [
  Matches<contract.HostReport, Static<typeof HostReport>>,
  Matches<contract.ReportAnswer, Static<typeof ReportAnswer>>,
  Matches<contract.Hosts, Static<typeof Hosts>>,
  Matches<contract.Running, Static<typeof Running>>,
];
