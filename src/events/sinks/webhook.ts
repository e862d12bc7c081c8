import { createHmac } from 'node:crypto';
import { messageOf, redact } from '../../base/index.ts';
import type { EventSink } from '../envelope.ts';
import { eventsError } from '../errors.ts';

const TIMEOUT_MS = 10_000;

export interface WebhookOptions {
  readonly name: string;
  readonly url: string;
  /** Shared secret: `X-Heraklit-Signature: sha256=<hex HMAC of the body>` lets the receiver know us. */
  readonly secret?: string;
}

/**
 * POSTs one event a request in CloudEvents' structured JSON (HTTP protocol binding 1.0, section 3.2). Anything but a
 * 2xx answer is tried again by the relay; redirects are not followed, because the body may be for that host alone.
 */
export function webhookSink(options: WebhookOptions): EventSink {
  return {
    name: options.name,
    async deliver(events) {
      for (const event of events) await post(options, JSON.stringify(event));
    },
    async close() {},
  };
}

async function post(options: WebhookOptions, body: string): Promise<void> {
  const headers: Record<string, string> = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
  if (options.secret !== undefined) {
    headers['x-heraklit-signature'] = `sha256=${createHmac('sha256', options.secret).update(body).digest('hex')}`;
  }
  const url = new URL(options.url);
  if (url.username !== '') {
    // fetch refuses credentials in a URL.
    const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
    url.username = '';
    url.password = '';
  }
  let failure: string;
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'manual' });
    await response.body?.cancel();
    if (response.ok) return;
    failure = `answered ${response.status}`;
  } catch (error) {
    failure = messageOf(error);
  }
  throw eventsError('EVENTS_UNDELIVERED', `webhook ${redact(options.url)}: ${failure}`, {
    hint: 'Delivery is tried again; check that the receiver runs and answers with a 2xx status.',
  });
}
