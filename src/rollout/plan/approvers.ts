/** Somebody who wants to approve. */
export interface Approving {
  readonly actor: string;
  /** Whoever owns the home always may. */
  readonly owner: boolean;
  /** Of the account, as the identity provider said last. */
  readonly groups?: readonly string[] | undefined;
  /** The account administers. */
  readonly admin?: boolean | undefined;
}

/**
 * As which of the approvers somebody may approve: `alice`, `group:release`, `role:admin`; null for the owner of the home, and where
 * everybody may who may change something. Undefined: they may not. Pure.
 */
export function approverOf(
  approvers: readonly string[],
  { actor, owner, groups, admin }: Approving,
): string | null | undefined {
  if (approvers.includes(actor)) return actor;
  const group = groups?.map((name) => `group:${name}`).find((name) => approvers.includes(name));
  if (group !== undefined) return group;
  if (admin === true && approvers.includes('role:admin')) return 'role:admin';
  return owner || approvers.length === 0 ? null : undefined;
}
