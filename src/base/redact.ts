const URL_CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)([^/\s:@]+)(?::[^/\s@]*)?@/gi;
const AUTHORIZATION = /\b(bearer|basic)\s+[a-z0-9._~+/=-]+/gi;
const NAMED_SECRET = /("?(?:password|passwd|secret|token|api[_-]?key)"?\s*[:=]\s*)("[^"]*"|[^\s,;&}]+)/gi;

/** Removes what looks like a credential (URL user info, Authorization values, `password=…`) from text for people. */
export function redact(text: string): string {
  return text.replace(URL_CREDENTIALS, '$1***@').replace(AUTHORIZATION, '$1 ***').replace(NAMED_SECRET, '$1"***"');
}
