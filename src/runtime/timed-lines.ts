import type { MemberOutput } from './members.ts';

/** Lines of one look; a program that writes more in a minute is known by the newest. */
export const MOST_LINES = 5_000;

/**
 * Lines that each begin with the time they were written at (RFC 3339), as Kubernetes and the Docker Engine API give them.
 * Order is theirs. What has no time belongs to no line that is counted from.
 */
export function readTimedLines(text: string): MemberOutput {
  const lines: string[] = [];
  let first: number | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const space = line.indexOf(' ');
    const time = space < 20 || space > 40 ? Number.NaN : Date.parse(line.slice(0, space));
    if (!Number.isNaN(time)) first = Math.min(first ?? time, time);
    lines.push((Number.isNaN(time) ? line : line.slice(space + 1)).replace(/\r$/, ''));
  }
  return { lines, from: lines.length >= MOST_LINES && first !== undefined ? new Date(first) : undefined };
}
