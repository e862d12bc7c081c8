import { globSync } from 'node:fs';
import type { ErrorDefinition } from '../src/base/index.ts';

export interface CatalogueEntry extends ErrorDefinition {
  readonly code: string;
  /** File that declares it, below src/. */
  readonly file: string;
}

const isCatalogue = (value: unknown): value is Readonly<Record<string, ErrorDefinition>> =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).length > 0 &&
  Object.values(value).every((entry) => typeof entry === 'object' && entry !== null && 'meaning' in entry);

/** Every error code that any `errors.ts` of src/ declares, sorted by code. */
export async function readErrorCatalogue(): Promise<readonly CatalogueEntry[]> {
  const root = new URL('../src/', import.meta.url);
  const entries: CatalogueEntry[] = [];
  for (const file of globSync('**/errors.ts', { cwd: root }).sort()) {
    const module = (await import(new URL(file, root).href)) as Record<string, unknown>;
    for (const exported of Object.values(module)) {
      if (!isCatalogue(exported)) continue;
      for (const [code, definition] of Object.entries(exported)) entries.push({ code, file, ...definition });
    }
  }
  return entries.sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** The page docs/errors.md. */
export function renderErrorCatalogue(entries: readonly CatalogueEntry[]): string {
  const rows = entries.map(
    ({ code, kind, retryable, meaning }) =>
      `| \`${code}\` | ${kind === 'usage' ? '2' : '3'} | ${retryable ? 'yes' : 'no'} | ${meaning.replaceAll('|', '\\|')} |`,
  );
  return [
    '# Error codes',
    '',
    'Every error heraklit raises on purpose has a code that does not change. The command line prints it on stderr with',
    'what can be done; HTTP answers carry it in their body. *Exit* is the exit code of the command line (2 wrong use,',
    '3 failed). Where *retry* says yes, the same call can succeed later. Written by `npm run docs`.',
    '',
    '| code | exit | retry | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
