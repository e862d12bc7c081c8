/** Seconds of a Retry-After header (RFC 9110, 10.2.3: seconds or a date); undefined where there is none to read. */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) || !/^[A-Z]/.test(header) ? undefined : Math.max(0, Math.ceil((date - now) / 1_000));
}
