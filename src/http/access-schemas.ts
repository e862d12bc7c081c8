import { type Static, Type } from 'typebox';
import type * as contract from './access-contract.ts';
import { closed, count, type Matches, oneOf, orNull, text, time } from './schema-parts.ts';

const Role = oneOf(['pull', 'push', 'delete', 'admin', 'view', 'metrics', 'report'] as const);
const AccessGrant = Type.Object(
  { to: text, role: Role, on: text, source: oneOf(['manual', 'fleet'] as const) },
  closed,
);
const uses = { created: time, expires: orNull(time), lastUsed: orNull(time) };

export const Accounts = Type.Object(
  {
    accounts: Type.Array(
      Type.Object(
        {
          name: text,
          kind: oneOf(['person', 'robot', 'oidc'] as const),
          groups: Type.Array(text),
          ...uses,
          secrets: Type.Array(Type.Object({ id: count, label: text, ...uses }, closed)),
          grants: Type.Array(AccessGrant),
        },
        closed,
      ),
    ),
    otherGrants: Type.Array(AccessGrant),
  },
  closed,
);

export const NewSecret = Type.Object({ id: Type.Optional(count), secret: Type.Optional(text) }, closed);

export const Audit = Type.Object(
  {
    entries: Type.Array(
      Type.Object(
        {
          id: count,
          at: time,
          actor: text,
          action: text,
          repository: orNull(text),
          reference: orNull(text),
          digest: orNull(text),
          address: orNull(text),
          result: oneOf(['done', 'denied', 'failed'] as const),
          detail: orNull(text),
        },
        closed,
      ),
    ),
    next: orNull(count),
  },
  closed,
);

export const Me = Type.Object(
  {
    name: text,
    kind: oneOf(['person', 'robot', 'oidc', 'anonymous', 'owner'] as const),
    view: Type.Boolean(),
    change: Type.Boolean(),
    admin: Type.Boolean(),
    accounts: Type.Boolean(),
  },
  closed,
);

/** Does not compile when a schema and the contract part ways. */
export type Checked = [
  Matches<contract.Accounts, Static<typeof Accounts>>,
  Matches<contract.NewSecret, Static<typeof NewSecret>>,
  Matches<contract.Audit, Static<typeof Audit>>,
  Matches<contract.Me, Static<typeof Me>>,
];
