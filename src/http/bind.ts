import { isIP } from 'node:net';
import { httpError } from './errors.ts';

export type AnonymousAccess = 'read' | 'write';

export interface BindOptions {
  /** Name or address to listen on. */
  readonly host: string;
  /** Accounts are configured: who may do what is theirs to say. */
  readonly accounts: boolean;
  /** The user's explicit word on requests without an account. */
  readonly anonymous?: AnonymousAccess;
}

export interface BindDecision {
  /** What a request without an account may do. */
  readonly anonymous: AnonymousAccess | 'nothing';
  readonly loopback: boolean;
  /** `anonymous` is the user's explicit word: it holds whatever accounts there are. */
  readonly explicit?: boolean;
}

/** 127.0.0.0/8, ::1 and names that RFC 6761 keeps on the machine. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (isIP(bare) === 4) return bare.startsWith('127.');
  if (isIP(bare) === 6) return bare === '::1' || bare.startsWith('::ffff:127.');
  return bare === 'localhost' || bare.endsWith('.localhost');
}

/**
 * On loopback without accounts everybody on the machine may read and write; any other address needs an explicit word.
 * @throws HTTP_BIND_REFUSED
 */
export function decideBind({ host, accounts, anonymous }: BindOptions): BindDecision {
  const loopback = isLoopback(host);
  if (anonymous !== undefined) return { anonymous, loopback, explicit: true };
  if (accounts) return { anonymous: 'nothing', loopback };
  if (loopback) return { anonymous: 'write', loopback };
  throw httpError('HTTP_BIND_REFUSED', `serving on ${host} would let anybody who reaches it change the fleet`, {
    hint: 'Add an account (heraklit account add), or say --anonymous read (or write), or listen on 127.0.0.1.',
  });
}
