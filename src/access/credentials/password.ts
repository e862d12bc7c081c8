import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { accessError } from '../errors.ts';

/** Cost of argon2id. */
export interface PasswordCost {
  /** KiB of memory. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane. 24 ms of one core here. */
export const PASSWORD_COST: PasswordCost = { memory: 19_456, passes: 2, parallelism: 1 };

const SALT_BYTES = 16;
const TAG_BYTES = 32;
/** NIST SP 800-63B wants at least 8 characters where a password stands alone; we ask for more. */
const MIN_LENGTH = 12;
/** Bytes; what is hashed is not to be a way to keep us busy. */
export const MAX_PASSWORD = 1_024;
/** A stored hash beyond this is no hash of ours. */
const MAX_COST: PasswordCost = { memory: 1_048_576, passes: 16, parallelism: 16 };

const derive = promisify(argon2);

/** @throws ACCESS_PASSWORD_REFUSED */
export function checkNewPassword(name: string, password: string): void {
  const refuse = (why: string): never => {
    throw accessError('ACCESS_PASSWORD_REFUSED', `the new password of ${name} ${why}`);
  };
  if ([...password].length < MIN_LENGTH) refuse(`has fewer than ${MIN_LENGTH} characters`);
  if (Buffer.byteLength(password) > MAX_PASSWORD) refuse(`has more than ${MAX_PASSWORD} bytes`);
  if (password.toLowerCase().includes(name)) refuse('holds the name of the account');
  if (new Set(password).size < 5) refuse('is the same few characters again and again');
}

/**
 * argon2id in PHC string format, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
 * @see https://github.com/P-H-C/phc-string-format
 */
export async function hashPassword(password: string, cost: PasswordCost = PASSWORD_COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const tag = await tagOf(password, salt, cost, TAG_BYTES);
  const { memory, passes, parallelism } = cost;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(salt)}$${base64(tag)}`;
}

export interface PasswordCheck {
  readonly right: boolean;
  /** Right, and stored with another cost than today's: hash it again. */
  readonly outgrown: boolean;
}

/** Checks a password; for an unreadable or missing hash it takes as long as for any other and says no. */
export async function verifyPassword(
  password: string,
  stored: string | undefined,
  cost: PasswordCost = PASSWORD_COST,
): Promise<PasswordCheck> {
  const parsed = stored === undefined ? undefined : parseHash(stored);
  const used = parsed ?? { cost, salt: Buffer.alloc(SALT_BYTES), tag: Buffer.alloc(TAG_BYTES) };
  const tag = await tagOf(password, used.salt, used.cost, used.tag.length);
  const right = timingSafeEqual(tag, used.tag) && parsed !== undefined;
  const { memory, passes, parallelism } = used.cost;
  const same = memory === cost.memory && passes === cost.passes && parallelism === cost.parallelism;
  return { right, outgrown: right && !same };
}

interface ParsedHash {
  readonly cost: PasswordCost;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

function parseHash(text: string): ParsedHash | undefined {
  const match =
    /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [memory, passes, parallelism] = match.slice(1, 4).map(Number) as [number, number, number];
  const within =
    passes >= 1 &&
    passes <= MAX_COST.passes &&
    parallelism >= 1 &&
    parallelism <= MAX_COST.parallelism &&
    memory >= 8 * parallelism &&
    memory <= MAX_COST.memory;
  if (!within) return undefined;
  return {
    cost: { memory, passes, parallelism },
    salt: Buffer.from(match[4] as string, 'base64'),
    tag: Buffer.from(match[5] as string, 'base64'),
  };
}

function tagOf(password: string, nonce: Buffer, cost: PasswordCost, tagLength: number): Promise<Buffer> {
  return derive('argon2id', { message: Buffer.from(password.normalize('NFC')), nonce, tagLength, ...cost });
}

const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');
