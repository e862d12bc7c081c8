import { accessError } from '../errors.ts';

/** Roles on repositories, each with what the one before it may. */
const REPOSITORY_ROLES = ['pull', 'push', 'delete', 'admin'] as const;
/** Roles on the server: see API and page; read `/metrics` alone; tell what a host runs. They take no pattern. */
const SERVER_ROLES = ['view', 'metrics', 'report'] as const;

export type RepositoryRole = (typeof REPOSITORY_ROLES)[number];
export type Role = RepositoryRole | (typeof SERVER_ROLES)[number];
export type RepositoryAction = 'pull' | 'push' | 'delete';

export const ROLES: readonly Role[] = [...REPOSITORY_ROLES, ...SERVER_ROLES];

/** @throws ACCESS_ROLE_INVALID */
export function roleOf(text: string): Role {
  const role = ROLES.find((one) => one === text);
  if (role !== undefined) return role;
  throw accessError('ACCESS_ROLE_INVALID', `there is no role ${JSON.stringify(text.slice(0, 100))}`, {
    hint: `Roles: ${ROLES.join(', ')}.`,
  });
}

/** `delete` includes `push` includes `pull`; `admin` includes all. Server roles say nothing about repositories. */
export function roleAllows(role: Role, action: RepositoryAction): boolean {
  const rank = (REPOSITORY_ROLES as readonly string[]).indexOf(role);
  return rank >= REPOSITORY_ROLES.indexOf(action);
}

export const isServerRole = (role: Role): boolean => (SERVER_ROLES as readonly string[]).includes(role);
