import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { Clock, Home } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import type { Directory } from '../directory.ts';
import { changeAccess } from '../store/change.ts';
import { deleteKeysRetiredBefore, insertKey, retireKeys } from '../store/keys.ts';
import { makeSigningKey, readSigningKey, type SigningKey } from './key-file.ts';

/** Milliseconds a key signs for. */
export const ROTATE_AFTER = 30 * 24 * 3_600_000;
/** Milliseconds a retired key still counts for: longer than any token it signed lives. */
export const RETIRED_COUNTS = 15 * 60_000;

/** Signing keys: the private one of this home, the public ones of all servers of the database. */
export interface Keys {
  /** The one to sign with; made anew when it is old. */
  current(): Promise<SigningKey>;
  /** Undefined for a key that nobody knows, or that was retired too long ago. */
  byId(kid: string): KeyObject | undefined;
  /** A new key now; what the old one signed counts until it expires. */
  rotate(): Promise<void>;
}

export async function openKeys(home: Home, database: Database, directory: Directory, clock: Clock): Promise<Keys> {
  const imported = new Map<string, KeyObject>();
  let signing = (await readSigningKey(home)) ?? (await makeSigningKey(home, clock.now()));
  let rotating: Promise<void> | undefined;

  const announce = async (retired: readonly string[]): Promise<void> => {
    await changeAccess(database, async (trx) => {
      await insertKey(trx, signing.kid, signing.jwk);
      await retireKeys(trx, retired, clock.now());
      await deleteKeysRetiredBefore(trx, clock.now() - RETIRED_COUNTS);
    });
    await directory.refresh();
  };
  const rotate = (): Promise<void> => {
    rotating ??= (async () => {
      const old = signing.kid;
      signing = await makeSigningKey(home, clock.now());
      await announce([old]);
    })().finally(() => {
      rotating = undefined;
    });
    return rotating;
  };
  if (directory.key(signing.kid) === undefined) await announce([]);

  return {
    async current() {
      const retired = directory.key(signing.kid)?.retired !== undefined;
      // Another process of the same home has made a new one.
      if (retired) signing = (await readSigningKey(home)) ?? signing;
      const old = clock.now() - signing.created > ROTATE_AFTER || directory.key(signing.kid)?.retired !== undefined;
      if (rotating !== undefined || old) await rotate();
      return signing;
    },
    byId(kid) {
      const stored = directory.key(kid);
      if (stored === undefined) return undefined;
      if (stored.retired !== undefined && stored.retired + RETIRED_COUNTS < clock.now()) return undefined;
      let key = imported.get(kid);
      if (key === undefined) {
        key = createPublicKey({ key: JSON.parse(stored.jwk) as JsonWebKey, format: 'jwk' });
        imported.set(kid, key);
      }
      return key;
    },
    rotate,
  };
}
