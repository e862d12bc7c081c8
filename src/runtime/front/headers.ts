/** RFC 9110 section 7.6.1: these belong to one connection and are never forwarded. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/**
 * End-to-end headers of a message, order and spelling kept, repeated ones included (the raw form of node:http).
 * `Expect` goes too: the front itself has answered `100 Continue`.
 */
export function endToEndHeaders(raw: readonly string[]): string[] {
  const named = new Set(HOP_BY_HOP).add('expect');
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]?.toLowerCase() !== 'connection') continue;
    for (const token of (raw[i + 1] ?? '').split(',')) named.add(token.trim().toLowerCase());
  }
  // A client must not be able to have the framing dropped by naming it in `Connection`.
  named.delete('content-length');
  named.delete('host');
  const kept: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    if (!named.has(name.toLowerCase())) kept.push(name, raw[i + 1] as string);
  }
  return kept;
}

/** Adds the client's address to `X-Forwarded-For` (after what earlier proxies wrote) and sets proto and host once. */
export function forwardedHeaders(headers: readonly string[], client: string, host: string | undefined): string[] {
  const kept: string[] = [];
  const chain: string[] = [];
  const seen = new Set<string>();
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    const value = headers[i + 1] as string;
    if (name.toLowerCase() === 'x-forwarded-for') chain.push(value);
    else kept.push(name, value);
    seen.add(name.toLowerCase());
  }
  kept.push('X-Forwarded-For', [...chain, client].join(', '));
  if (!seen.has('x-forwarded-proto')) kept.push('X-Forwarded-Proto', 'http');
  if (!seen.has('x-forwarded-host') && host !== undefined) kept.push('X-Forwarded-Host', host);
  return kept;
}

/** Methods a proxy may repeat on its own (RFC 9110 section 9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export interface RequestShape {
  readonly method: string;
  readonly hasBody: boolean;
}

/** True for a request with content: only then does the message carry one of these headers (RFC 9112 section 6.3). */
export function hasBody(headers: Readonly<Record<string, unknown>>): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/** Whether a request whose connection broke after it was (perhaps) sent can go to another backend unnoticed. */
export function repeatable(request: RequestShape): boolean {
  return IDEMPOTENT.has(request.method) && !request.hasBody;
}
