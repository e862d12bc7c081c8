const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes with three significant digits, in decimal units as registries count them. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text = unit === 0 || value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
  return `${text} ${UNITS[unit]}`;
}

/** `sha256:0123456789ab`: enough to recognise, and to look up. */
export function shortDigest(digest: string): string {
  const colon = digest.indexOf(':');
  return digest.slice(0, colon + 13);
}

/** `1 package`, `2 packages`. */
export function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

const DAY = 86_400_000;

/** Age of an ISO date in whole days: `3 d`; `today`. */
export function ageText(iso: string, now: number): string {
  const days = Math.floor((now - Date.parse(iso)) / DAY);
  return Number.isNaN(days) ? '' : days <= 0 ? 'today' : `${days} d`;
}
