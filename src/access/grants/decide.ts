import { type RepositoryPattern, repositoryPattern } from './pattern.ts';
import { isServerRole, type RepositoryAction, type Role, roleAllows } from './roles.ts';

/** Everybody, also those who did not sign in. */
export const ANONYMOUS = 'anonymous';
/** Before a group's name in `Grant.to`. */
export const GROUP = 'group:';

/** One line of who may do what. */
export interface Grant {
  /** Account name, `group:NAME` or `anonymous`. */
  readonly to: string;
  readonly role: Role;
  /** Pattern of repositories; `**` for roles on the server. */
  readonly on: string;
}

/** Whom a decision is about. */
export interface Subject {
  /** Account name, or `anonymous`. */
  readonly name: string;
  readonly groups: readonly string[];
}

/** What somebody wants to do. */
export type Permission =
  | { readonly kind: 'repository'; readonly repository: string; readonly action: RepositoryAction }
  /** List all repositories: who may pull each of them, or see the API. */
  | { readonly kind: 'catalog' }
  /** See the API and the page. */
  | { readonly kind: 'view' }
  | { readonly kind: 'metrics' }
  /** Tell what a host's containers run. */
  | { readonly kind: 'report' }
  /** Change the fleet through the API. */
  | { readonly kind: 'change' }
  /** Accounts, grants, audit log: an admin of everything. */
  | { readonly kind: 'admin' };

/** All grants, indexed by whom they are to. */
export interface GrantTable {
  allows(subject: Subject, permission: Permission): boolean;
}

interface Rule {
  readonly role: Role;
  readonly pattern: RepositoryPattern;
}

/** @throws ACCESS_PATTERN_INVALID */
export function grantTable(grants: readonly Grant[]): GrantTable {
  const rules = new Map<string, Rule[]>();
  for (const { to, role, on } of grants) {
    const own = rules.get(to) ?? [];
    own.push({ role, pattern: repositoryPattern(on) });
    rules.set(to, own);
  }
  const holds = (to: string, permission: Permission): boolean =>
    rules.get(to)?.some((rule) => ruleAllows(rule, permission)) === true;
  return {
    allows: ({ name, groups }, permission) =>
      holds(ANONYMOUS, permission) ||
      (name !== ANONYMOUS &&
        ((!name.startsWith(GROUP) && holds(name, permission)) ||
          groups.some((group) => holds(GROUP + group, permission)))),
  };
}

function ruleAllows({ role, pattern }: Rule, permission: Permission): boolean {
  if (permission.kind === 'repository') {
    return roleAllows(role, permission.action) && pattern.matches(permission.repository);
  }
  if (role === 'admin') return pattern.text === '**';
  if (permission.kind === 'catalog') return role === 'view' || (!isServerRole(role) && pattern.text === '**');
  if (!isServerRole(role)) return false;
  // Who sees the API sees what the metrics say.
  return permission.kind === role || (permission.kind === 'metrics' && role === 'view');
}
