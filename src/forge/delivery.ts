import { messageOf } from '../base/index.ts';
import { forgeError } from './errors.ts';
import { headerOf, type WebhookHeaders } from './signature.ts';
import type { ForgeKind } from './types.ts';

/** What a webhook says, as far as it matters here. */
export type WebhookEvent =
  | { readonly kind: 'ping' }
  /** A branch or tag was made, moved or removed. */
  | {
      readonly kind: 'push';
      /** Every URL of the repository that the payload names. */
      readonly urls: readonly string[];
      /** `refs/heads/main`, `refs/tags/v1` */
      readonly ref: string;
      /** Commit that it names now; undefined when it was removed. */
      readonly after: string | undefined;
    }
  | { readonly kind: 'other'; readonly event: string };

export interface Delivery {
  /** The forge's own, the same when it sends again. */
  readonly id: string;
  readonly event: WebhookEvent;
}

const MAX_ID = 200;
const ID_HEADERS: Readonly<Record<ForgeKind, readonly string[]>> = {
  github: ['x-github-delivery'],
  // The first two are the same over retries. X-Gitlab-Webhook-UUID names the hook and not the delivery.
  gitlab: ['webhook-id', 'idempotency-key', 'x-gitlab-event-uuid'],
  gitea: ['x-gitea-delivery', 'x-forgejo-delivery', 'x-github-delivery'],
};

/**
 * Reads a webhook whose signature was found right: JSON, or JSON in a form (`application/x-www-form-urlencoded`, which
 * GitHub and Gitea offer).
 * @throws FORGE_DELIVERY_INVALID
 */
export function readDelivery(kind: ForgeKind, headers: WebhookHeaders, body: Buffer): Delivery {
  const id = ID_HEADERS[kind]
    .map((name) => headerOf(headers, name))
    .find((value) => value !== undefined && value !== '');
  if (id === undefined || id.length > MAX_ID || !/^[\x21-\x7e]+$/.test(id)) {
    throw invalid(`no delivery id in ${ID_HEADERS[kind].join(' or ')}`);
  }
  const event = eventName(kind, headers);
  if (event === 'ping') return { id, event: { kind: 'ping' } };
  if (!PUSHES.has(event)) return { id, event: { kind: 'other', event: event.slice(0, 100) } };
  return { id, event: readPush(kind, payloadOf(headers, body)) };
}

/** Also GitLab's names of its hooks. Gitea and GitHub send tags as pushes. */
const PUSHES: ReadonlySet<string> = new Set(['push', 'push hook', 'tag push hook']);

function eventName(kind: ForgeKind, headers: WebhookHeaders): string {
  const names =
    kind === 'github'
      ? ['x-github-event']
      : kind === 'gitlab'
        ? ['x-gitlab-event']
        : ['x-gitea-event', 'x-forgejo-event', 'x-gogs-event'];
  const found = names.map((name) => headerOf(headers, name)).find((value) => value !== undefined);
  if (found === undefined) throw invalid(`no ${names.join(' or ')}`);
  return found.toLowerCase();
}

function payloadOf(headers: WebhookHeaders, body: Buffer): Readonly<Record<string, unknown>> {
  const type = headerOf(headers, 'content-type') ?? '';
  const text = body.toString('utf8');
  const json = type.startsWith('application/x-www-form-urlencoded') ? new URLSearchParams(text).get('payload') : text;
  try {
    const value: unknown = JSON.parse(json ?? '');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw invalid(`the body is not JSON: ${messageOf(error).slice(0, 100)}`);
  }
  throw invalid('the body is not a JSON object');
}

const NOTHING = /^0+$/;
const ID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

function readPush(kind: ForgeKind, payload: Readonly<Record<string, unknown>>): WebhookEvent {
  const { ref, after, checkout_sha: commit } = payload;
  const project = objectOf(kind === 'gitlab' ? payload.project : payload.repository);
  const names = [
    'clone_url',
    'git_http_url',
    'http_url',
    'ssh_url',
    'git_ssh_url',
    'git_url',
    'html_url',
    'web_url',
    'url',
  ];
  const urls = names.map((name) => project[name]).filter((url): url is string => typeof url === 'string');
  if (typeof ref !== 'string' || !ref.startsWith('refs/') || typeof after !== 'string' || !ID.test(after)) {
    throw invalid('a push without ref and commit');
  }
  if (urls.length === 0) throw invalid('a push that names no repository');
  // Of an annotated tag, GitLab's `after` is the tag object.
  const now = typeof commit === 'string' && ID.test(commit) ? commit : after;
  return { kind: 'push', urls, ref, after: NOTHING.test(after) ? undefined : now };
}

const objectOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

const invalid = (why: string): Error =>
  forgeError('FORGE_DELIVERY_INVALID', `the webhook is not what it says: ${why}`, {
    hint: 'Let the forge send push and tag events, as JSON.',
  });
