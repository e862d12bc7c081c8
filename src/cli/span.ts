import { cliError } from './errors.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Seconds of `90`, `90s`, `2m`, `1h`, `1d`. @throws CLI_USAGE */
export function secondsOf(option: string, text: string): number {
  const match = /^(\d{1,9})([smhd])?$/.exec(text);
  if (match !== null) return Number(match[1]) * (UNITS[match[2] ?? 's'] ?? 1);
  throw cliError('CLI_USAGE', `${option} takes whole seconds, or 90s, 2m, 1h, 1d, not ${JSON.stringify(text)}`);
}
