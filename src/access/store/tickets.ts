import type { DatabaseReader } from '../../database/index.ts';
import type { Account } from '../types.ts';
import { account } from './accounts.ts';

/** `refresh`: an OAuth2 refresh token. `session`: a browser's sign-in. */
export type TicketKind = 'refresh' | 'session';

export interface Ticket {
  readonly account: Account;
  readonly service: string;
  readonly expires: number;
}

export async function insertTicket(
  reader: DatabaseReader,
  ticket: {
    readonly hash: string;
    readonly kind: TicketKind;
    readonly account: { readonly id: number; readonly stamp: number };
    readonly service: string;
    readonly expires: number;
  },
): Promise<void> {
  const { hash, kind, service } = ticket;
  const { id, stamp } = ticket.account;
  await reader
    .insertInto('access_ticket')
    .values({ hash, kind, account: id, service, stamp, expires: new Date(ticket.expires) })
    .execute();
}

/** Undefined for one that does not exist, has expired, or was given out under an older stamp of its account. */
export async function findTicket(
  reader: DatabaseReader,
  kind: TicketKind,
  hash: string,
  now: number,
): Promise<Ticket | undefined> {
  const ticket = await reader
    .selectFrom('access_ticket')
    .selectAll()
    .where('hash', '=', hash)
    .where('kind', '=', kind)
    .where('expires', '>', new Date(now))
    .executeTakeFirst();
  if (ticket === undefined) return undefined;
  const owner = await reader.selectFrom('account').selectAll().where('id', '=', ticket.account).executeTakeFirst();
  if (owner === undefined || owner.stamp !== ticket.stamp) return undefined;
  return { account: account(owner), service: ticket.service, expires: ticket.expires.getTime() };
}

export async function deleteTicket(reader: DatabaseReader, hash: string): Promise<void> {
  await reader.deleteFrom('access_ticket').where('hash', '=', hash).execute();
}

export async function deleteExpiredTickets(reader: DatabaseReader, now: number): Promise<void> {
  await reader.deleteFrom('access_ticket').where('expires', '<', new Date(now)).execute();
}
