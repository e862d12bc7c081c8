import type { AccessAdmin } from '../access/index.ts';
import { accountsView, auditView, type RemoteAccounts } from '../http/index.ts';

const at = (expires: string | undefined): number | undefined =>
  expires === undefined ? undefined : Date.parse(expires);

const numberOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));

/** Accounts of a home that nobody serves, as a server would show them. */
export function localAccounts(admin: AccessAdmin): RemoteAccounts {
  return {
    list: () => accountsView(admin),
    async add({ name, kind, password = '', expires }) {
      if (kind === 'robot') return admin.addRobot({ name, expires: at(expires) });
      await admin.addPerson({ name, password, expires: at(expires) });
      return {};
    },
    remove: (name) => admin.remove(name),
    setPassword: (name, password) => admin.setPassword(name, password),
    signOut: (name) => admin.signOut(name),
    addSecret: (name, { expires, ...secret }) => admin.addSecret(name, { ...secret, expires: at(expires) }),
    removeSecret: (name, id) => admin.removeSecret(name, id),
    grant: (grant) => admin.grant(grant),
    revoke: (grant) => admin.revoke(grant),
    rotateKeys: () => admin.rotateKeys(),
    async audit({ before, limit, ...query }) {
      return auditView(await admin.audit({ ...query, before: numberOf(before), limit: numberOf(limit) }));
    },
  };
}
