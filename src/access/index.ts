export { type Access, type AccessOptions, type IssuedToken, openAccess, openAdmin } from './access.ts';
export type { AccessAdmin, AccountInfo, Accounts, NewSecret } from './admin.ts';
export { addressGroup } from './credentials/address.ts';
export { type Presented, parseAuthorization } from './credentials/header.ts';
export { type RateLimiter, type RateOptions, rateLimiter } from './credentials/rate.ts';
export type { Grant, Permission } from './grants/decide.ts';
export type { RepositoryAction, Role } from './grants/roles.ts';
export { parseScopes, type ScopeAccess } from './grants/scope.ts';
export {
  createIdentityProvider,
  type IdentityProvider,
  type OidcSettings,
  type PendingSignIn,
} from './oidc/provider.ts';
export { SESSION_LIFETIME } from './sessions.ts';
export { type AuditEntry, type AuditPage, type AuditQuery, type AuditRecord, writeAudit } from './store/audit.ts';
export { type AccountKind, type Actor, NOBODY, type Principal } from './types.ts';
