/** Longest os-release read; real ones have 500 bytes. */
const MAX_BYTES = 64 * 1024;

export function releaseText(bytes: Uint8Array | undefined): string {
  return Buffer.from((bytes ?? new Uint8Array()).subarray(0, MAX_BYTES)).toString('utf8');
}

/**
 * `KEY=value` lines with shell quoting; anything else is passed over.
 * @see https://www.freedesktop.org/software/systemd/man/latest/os-release.html
 */
export function parseOsRelease(bytes: Uint8Array): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of releaseText(bytes).split('\n')) {
    const match = /^\s*([A-Z_][A-Z0-9_]*)=(.*?)\s*$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    const quoted = /^(["'])(.*)\1$/.exec(match[2]);
    const value = quoted?.[2] ?? match[2];
    fields.set(match[1], quoted?.[1] === "'" ? value : value.replace(/\\(["$`\\])/g, '$1'));
  }
  return fields;
}
