import { parseDocument } from 'yaml';
import { composeError } from './errors.ts';
import type { Lock, LockedPackage, LockedRepository } from './lock-form.ts';
import { lockText, readLockText } from './lock-text.ts';

const HEADER = '# Written by heraklit build; keep it beside the recipe under version control.\n';

export function formatLock(lock: Lock): string {
  return HEADER + lockText(lock);
}

/** Between the locks of one recipe for several architectures, as YAML has it. */
const SEPARATOR = '---\n';

/** The locks of a recipe as one file, by architecture. */
export function formatLocks(locks: readonly Lock[]): string {
  const sorted = locks.toSorted((a, b) => (a.architecture < b.architecture ? -1 : 1));
  return sorted.map(formatLock).join(SEPARATOR);
}

/** @param file name for messages @throws COMPOSE_LOCK_INVALID */
export function parseLocks(text: string, file = 'lock'): readonly Lock[] {
  const locks = text.split(new RegExp(`^${SEPARATOR}`, 'm')).map((part) => parseLock(part, file));
  if (new Set(locks.map(({ architecture }) => architecture)).size === locks.length) return locks;
  throw composeError('COMPOSE_LOCK_INVALID', `${file} locks one architecture twice`, {
    hint: 'Delete it; the next build writes a new one.',
  });
}

const MAX_LOCK_BYTES = 16 * 1024 * 1024;
const TEXT = /^[^\0\n]{1,1000}$/;
const SHA256 = /^[0-9a-f]{64}$/;
/** SHA-1, or that much of a SHA-256. */
const IDENTITY = /^[0-9a-f]{40,64}$/;
/** Debian's names are small letters; apk and rpm have others, too. */
const NAME = /^[A-Za-z0-9_.][A-Za-z0-9_+.-]*$/;

const isText = (value: unknown): value is string => typeof value === 'string' && TEXT.test(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function isPackage(value: unknown): boolean {
  const item = value as Partial<LockedPackage> | null;
  return (
    [item?.name, item?.version, item?.architecture, item?.source, item?.repository, item?.filename].every(isText) &&
    isCount(item?.size) &&
    SHA256.test(String(item?.sha256)) &&
    NAME.test(item?.name ?? '') &&
    (item?.identity === undefined || IDENTITY.test(item.identity)) &&
    !/(?:^|\/)\.\.(?:\/|$)|^\//.test(item?.filename ?? '/')
  );
}

function isRepository(value: unknown): boolean {
  const item = value as Partial<LockedRepository> | null;
  return isText(item?.id) && isText(item?.suite) && isCount(item?.date) && SHA256.test(String(item?.release));
}

/** @param file name for messages @throws COMPOSE_LOCK_INVALID */
export function parseLock(text: string, file = 'lock'): Lock {
  const bad = (why: string): Error =>
    composeError('COMPOSE_LOCK_INVALID', `${file} is not a lock file: ${why}`, {
      hint: 'Delete it; the next build writes a new one.',
    });
  if (text.length > MAX_LOCK_BYTES) throw bad('too large');
  const lock = (readLockText(text.startsWith(HEADER) ? text.slice(HEADER.length) : text) ??
    readYaml(text, bad)) as Partial<Lock> | null;
  if (lock?.apiVersion !== 'heraklit/v1' || lock.kind !== 'Lock') throw bad('apiVersion and kind are others');
  if (![lock.recipe, lock.distribution, lock.architecture].every(isText)) throw bad('a field is missing');
  if (!isCount(lock.epoch)) throw bad('epoch is no number');
  if (lock.base !== undefined && !(isText(lock.base?.name) && isText(lock.base?.digest))) throw bad('base');
  if (lock.asks !== undefined && !(Array.isArray(lock.asks) && lock.asks.every(isText))) throw bad('asks');
  if (!Array.isArray(lock.repositories) || !lock.repositories.every(isRepository)) throw bad('repositories');
  if (!Array.isArray(lock.packages) || !lock.packages.every(isPackage)) throw bad('packages');
  return lock as Lock;
}

function readYaml(text: string, bad: (why: string) => Error): unknown {
  const document = parseDocument(text, { version: '1.2' });
  if (document.errors[0] !== undefined) throw bad(document.errors[0].message.split('\n')[0] ?? 'not YAML');
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    throw bad('it has aliases');
  }
}
