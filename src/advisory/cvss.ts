import type { AdvisorySeverity } from './types.ts';

type Metrics = Readonly<Record<string, string>>;

const WEIGHTS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  AV: { N: 0.85, A: 0.62, L: 0.55, P: 0.2 },
  AC: { L: 0.77, H: 0.44 },
  UI: { N: 0.85, R: 0.62 },
  C: { H: 0.56, L: 0.22, N: 0 },
  I: { H: 0.56, L: 0.22, N: 0 },
  A: { H: 0.56, L: 0.22, N: 0 },
};
const PRIVILEGES = { U: { N: 0.85, L: 0.62, H: 0.27 }, C: { N: 0.85, L: 0.68, H: 0.5 } } as const;

/** Rounds up to one decimal as CVSS 3.1, appendix A, does it: on integers, so that 4.02 does not become 4.1. */
function roundUp(value: number): number {
  const whole = Math.round(value * 100_000);
  return whole % 10_000 === 0 ? whole / 100_000 : (Math.floor(whole / 10_000) + 1) / 10;
}

function metricsOf(vector: string): Metrics {
  return Object.fromEntries(
    vector.split('/').flatMap((part) => {
      const at = part.indexOf(':');
      return at < 1 ? [] : [[part.slice(0, at), part.slice(at + 1)]];
    }),
  );
}

/**
 * Base score of a CVSS 3.0 or 3.1 vector (https://www.first.org/cvss/v3.1/specification-document, section 7.1);
 * undefined for another version or a broken vector. CVSS 4.0's score comes from a table of 270 classes: documents that
 * use it carry a severity word beside.
 */
export function cvss3Score(vector: string): number | undefined {
  if (vector.length > 512 || !/^CVSS:3\.[01]\//.test(vector)) return undefined;
  const metrics = metricsOf(vector);
  const weigh = (name: string): number => {
    const table = WEIGHTS[name];
    const letter = metrics[name];
    return table === undefined || letter === undefined || !Object.hasOwn(table, letter)
      ? Number.NaN
      : (table[letter] ?? Number.NaN);
  };
  const scope = metrics.S;
  if (scope !== 'U' && scope !== 'C') return undefined;
  const privileges = PRIVILEGES[scope][metrics.PR as 'N' | 'L' | 'H'] ?? Number.NaN;
  const loss = 1 - (1 - weigh('C')) * (1 - weigh('I')) * (1 - weigh('A'));
  const impact = scope === 'U' ? 6.42 * loss : 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15;
  const exploitability = 8.22 * weigh('AV') * weigh('AC') * privileges * weigh('UI');
  if (Number.isNaN(impact) || Number.isNaN(exploitability)) return undefined;
  if (impact <= 0) return 0;
  return roundUp(Math.min((scope === 'U' ? 1 : 1.08) * (impact + exploitability), 10));
}

/** CVSS 3.1, section 5. */
export function severityOfScore(score: number): AdvisorySeverity {
  if (score >= 9) return 'critical';
  if (score >= 7) return 'high';
  if (score >= 4) return 'medium';
  return score > 0 ? 'low' : 'none';
}

/** A base score as documents write it: a number or its text, from 0 to 10. */
export function cleanScore(value: unknown): number | undefined {
  const score = typeof value === 'string' && /^\d{1,2}(?:\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof score === 'number' && score >= 0 && score <= 10 ? Math.round(score * 10) / 10 : undefined;
}
