import { createHash, randomBytes } from 'node:crypto';

/** Before every secret, so that scanners and people tell what they have found. */
const PREFIX = 'hrk_';
const SECRET = /^hrk_[A-Za-z0-9_-]{43}$/;

/** 256 random bits; shown once, stored as `secretHash`. */
export const newSecret = (): string => PREFIX + randomBytes(32).toString('base64url');

/** A session or a refresh token: the same, without the prefix that marks a password. */
export const newTicket = (): string => randomBytes(32).toString('base64url');

export const isSecret = (text: string): boolean => SECRET.test(text);

/**
 * One round of SHA-256: nobody guesses 256 random bits, however fast the hash is, and robots sign in often. Equal
 * hashes are found by an index; an index lookup's time tells about the hash, which says nothing about the secret.
 */
export const secretHash = (secret: string): string => createHash('sha256').update(secret).digest('hex');
