import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { ForgeKind } from './types.ts';

export type WebhookHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export const headerOf = (headers: WebhookHeaders, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
};

/** Seconds that a signed time may be away from ours. */
const TOLERANCE = 300;

/**
 * Whether a webhook was made by who knows the secret. Times do not tell how much of a signature was right.
 * - GitHub, and Gitea too: `X-Hub-Signature-256: sha256=HEX`, HMAC of the body.
 *   https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 * - Gitea: `X-Gitea-Signature: HEX` (Forgejo: `X-Forgejo-Signature`). https://docs.gitea.com/usage/webhooks
 * - GitLab: `X-Gitlab-Token: SECRET`, or with a signing token `webhook-signature: v1,BASE64` over id, time and body, as the
 *   Standard Webhooks specification has it. https://docs.gitlab.com/user/project/integrations/webhooks/
 * @param now seconds since 1970
 */
export function isSigned(
  kind: ForgeKind,
  headers: WebhookHeaders,
  body: Uint8Array,
  secret: string,
  now: number,
): boolean {
  if (secret === '') return false;
  if (kind === 'gitlab') return hasToken(headers, secret) || hasStandardSignature(headers, body, secret, now);
  const hub = headerOf(headers, 'x-hub-signature-256');
  const own = headerOf(headers, 'x-gitea-signature') ?? headerOf(headers, 'x-forgejo-signature');
  const given = kind === 'gitea' && own !== undefined ? own : hub?.replace(/^sha256=/, '');
  if (given === undefined || (given === hub && kind === 'github')) return false;
  return same(Buffer.from(given, 'latin1'), Buffer.from(hmac(secret, body).toString('hex'), 'latin1'));
}

function hasToken(headers: WebhookHeaders, secret: string): boolean {
  const token = headerOf(headers, 'x-gitlab-token');
  return token !== undefined && same(Buffer.from(token), Buffer.from(secret));
}

/** @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function hasStandardSignature(headers: WebhookHeaders, body: Uint8Array, secret: string, now: number): boolean {
  const id = headerOf(headers, 'webhook-id');
  const time = headerOf(headers, 'webhook-timestamp');
  const signatures = headerOf(headers, 'webhook-signature');
  if (id === undefined || time === undefined || signatures === undefined) return false;
  if (!/^\d{1,12}$/.test(time) || Math.abs(Number(time) - now) > TOLERANCE) return false;
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : secret;
  const right = hmac(key, Buffer.concat([Buffer.from(`${id}.${time}.`), body])).toString('base64');
  // Several while the secret is being replaced.
  return signatures.split(' ').some((one) => same(Buffer.from(one), Buffer.from(`v1,${right}`)));
}

const hmac = (key: string | Buffer, bytes: Uint8Array): Buffer => createHmac('sha256', key).update(bytes).digest();

/** By digests, which have one length whatever is compared. */
function same(a: Buffer, b: Buffer): boolean {
  const digest = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
  return timingSafeEqual(digest(a), digest(b));
}
