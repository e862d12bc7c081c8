import type { ScopeAccess } from './grants/scope.ts';

export type AccountKind = 'person' | 'robot' | 'oidc';

/** An account as everything but its secrets. Times are milliseconds since the epoch. */
export interface Account {
  readonly id: number;
  readonly name: string;
  readonly kind: AccountKind;
  /** As an identity provider said at the last sign-in; none for other kinds. */
  readonly groups: readonly string[];
  readonly expires: number | undefined;
  /** What was given out under a lower one is worth nothing any more. */
  readonly stamp: number;
  readonly created: number;
  readonly lastUsed: number | undefined;
}

/** Whose request it is. */
export interface Principal {
  readonly kind: AccountKind | 'anonymous' | 'owner';
  /** Account name; `anonymous`; `owner` for who can read the home itself. */
  readonly name: string;
  /** Only these: the request came with a token that was given out for them. */
  readonly scopes?: readonly ScopeAccess[];
  /** Undefined where there is no account behind it. */
  readonly account?: { readonly id: number; readonly stamp: number };
}

export const NOBODY: Principal = { kind: 'anonymous', name: 'anonymous' };
/** May everything: whoever reads the home's files could change them too. */
export const OWNER: Principal = { kind: 'owner', name: 'owner' };

/** Who is written into the audit log. */
export interface Actor {
  readonly name: string;
  readonly address?: string;
}
