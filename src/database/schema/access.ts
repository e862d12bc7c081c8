import type { Generated } from 'kysely';

export interface AccountTable {
  readonly id: Generated<number>;
  readonly name: string;
  /** `person`, `robot`, `oidc`. */
  readonly kind: string;
  /** PHC string; null for accounts without a password. */
  readonly password: string | null;
  /** Issuer and subject of an OpenID account. */
  readonly subject: string | null;
  /** JSON array: groups as the identity provider said at the last sign-in. */
  readonly groups: Generated<string>;
  readonly expires: Date | null;
  /** Grows whenever what was given out before is to be worth nothing: password changed, signed out everywhere. */
  readonly stamp: Generated<number>;
  readonly created: Generated<Date>;
  readonly last_used: Date | null;
}

export interface AccountSecretTable {
  readonly id: Generated<number>;
  readonly account: number;
  /** SHA-256 of the secret. */
  readonly hash: string;
  readonly label: string;
  readonly created: Generated<Date>;
  readonly expires: Date | null;
  readonly last_used: Date | null;
}

export interface AccessGrantTable {
  /** Account name, `group:NAME` or `anonymous`. */
  readonly grantee: string;
  readonly role: string;
  readonly pattern: string;
  /** `manual`, or `fleet` for those a fleet file declares. */
  readonly source: string;
}

export interface AccessTicketTable {
  readonly hash: string;
  /** `refresh` or `session`. */
  readonly kind: string;
  readonly account: number;
  readonly service: string;
  /** The account's stamp when it was given out. */
  readonly stamp: number;
  readonly created: Generated<Date>;
  readonly expires: Date;
}

export interface AccessFailureTable {
  readonly key: string;
  readonly count: number;
  readonly last: Date;
  readonly until: Date;
}

export interface AccessKeyTable {
  readonly kid: string;
  /** Public JWK, JSON. */
  readonly jwk: string;
  readonly created: Generated<Date>;
  readonly retired: Date | null;
}

export interface AccessAuditTable {
  readonly id: Generated<number>;
  readonly at: Generated<Date>;
  readonly actor: string;
  readonly action: string;
  readonly repository: string | null;
  readonly reference: string | null;
  readonly digest: string | null;
  readonly address: string | null;
  /** `done`, `denied`, `failed`. */
  readonly result: string;
  readonly detail: string | null;
}

/** Row types of migrations/050-access.ts. */
export interface AccessSchema {
  readonly account: AccountTable;
  readonly account_secret: AccountSecretTable;
  readonly access_grant: AccessGrantTable;
  readonly access_ticket: AccessTicketTable;
  readonly access_failure: AccessFailureTable;
  readonly access_key: AccessKeyTable;
  readonly access_audit: AccessAuditTable;
}
