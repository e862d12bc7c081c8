/** Characters of warnings that are read from one answer; the specification allows registries no more. */
const MAX_WARNINGS = 4096;

/** Texts of `Warning: 299 - "…"` headers (distribution-spec, "Warnings"); other codes are not a registry's. */
export function warningsOf(header: string | readonly string[] | undefined): readonly string[] {
  const text = String(header ?? '').slice(0, MAX_WARNINGS);
  const found = text.matchAll(/\b299 - "((?:[^"\\]|\\.)*)"/g);
  // No control characters: it goes to a terminal.
  return [...found].map(([, quoted = '']) => quoted.replace(/\\(.)/g, '$1').replace(/[^\P{C}]/gu, ' '));
}
