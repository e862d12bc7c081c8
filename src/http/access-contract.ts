/** What the HTTP API answers on accounts and access, as contract.ts has it for the rest. It imports nothing. */

export type AccountKind = 'person' | 'robot' | 'oidc';

/** One line of who may do what. */
export interface AccessGrant {
  /** Account, `group:NAME` or `anonymous`. */
  readonly to: string;
  readonly role: 'pull' | 'push' | 'delete' | 'admin' | 'view' | 'metrics' | 'report';
  /** Pattern of repositories. */
  readonly on: string;
  /** `fleet` grants stand in the fleet file and are changed there. */
  readonly source: 'manual' | 'fleet';
}

export interface AccountSecret {
  readonly id: number;
  readonly label: string;
  readonly created: string;
  readonly expires: string | null;
  readonly lastUsed: string | null;
}

export interface AccountEntry {
  readonly name: string;
  readonly kind: AccountKind;
  /** As the identity provider said at the last sign-in. */
  readonly groups: readonly string[];
  readonly created: string;
  readonly expires: string | null;
  readonly lastUsed: string | null;
  readonly secrets: readonly AccountSecret[];
  readonly grants: readonly AccessGrant[];
}

/** `GET /api/v1/accounts` */
export interface Accounts {
  readonly accounts: readonly AccountEntry[];
  /** Of groups, of everybody, of names without an account. */
  readonly otherGrants: readonly AccessGrant[];
}

/** Shown once; absent for a person, who has a password. */
export interface NewSecret {
  readonly id?: number;
  readonly secret?: string;
}

export interface AuditEntry {
  readonly id: number;
  readonly at: string;
  /** Account, `anonymous`, `owner` (the command line on the server itself), `(unknown)`. */
  readonly actor: string;
  readonly action: string;
  readonly repository: string | null;
  /** Tag, or the account that a change is about. */
  readonly reference: string | null;
  readonly digest: string | null;
  readonly address: string | null;
  readonly result: 'done' | 'denied' | 'failed';
  readonly detail: string | null;
}

/** `GET /api/v1/audit`, newest first. */
export interface Audit {
  readonly entries: readonly AuditEntry[];
  /** `before` of the next page; null at the end. */
  readonly next: number | null;
}

/** `GET /api/v1/me` */
export interface Me {
  readonly name: string;
  readonly kind: AccountKind | 'anonymous' | 'owner';
  readonly view: boolean;
  /** May steer rollouts. */
  readonly change: boolean;
  readonly admin: boolean;
  /** False where there are no accounts to sign in with. */
  readonly accounts: boolean;
}
