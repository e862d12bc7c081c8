import type { TestWorld } from '../runner/port.ts';
import type { PartLog } from '../types.ts';

/** Bytes kept of one container's log, and of all of one test. */
export const PART_LOG_BYTES = 128 * 1024;
export const ALL_LOGS_BYTES = 1024 * 1024;

/** The ends of the logs, without secrets; one that cannot be read hinders no other. */
export async function collectLogs(
  world: TestWorld,
  names: readonly string[],
  redact: (text: string) => string,
): Promise<readonly PartLog[]> {
  const logs: PartLog[] = [];
  let left = ALL_LOGS_BYTES;
  for (const part of names) {
    const output = await world.output(part, PART_LOG_BYTES).catch(() => undefined);
    if (output === undefined) continue;
    // The first line of a log that was cut may be the end of a secret.
    const whole = (stream: string): string => (output.truncated ? stream.slice(stream.indexOf('\n') + 1) : stream);
    const text = [output.stdout, output.stderr]
      .map(whole)
      .filter((stream) => stream !== '')
      .join('\n');
    // Redacted first: a cut could go through a secret.
    const kept = redact(text).slice(-Math.min(PART_LOG_BYTES, left));
    left -= kept.length;
    logs.push({ part, text: kept, truncated: output.truncated || kept.length < text.length });
  }
  return logs;
}
