import type { ImageBase } from '../../http/index.ts';
import { printable } from './table.ts';
import { shortDigest } from './words.ts';

const WORDS = { recipe: 'its recipe', annotation: 'its annotations', layers: 'its layers' } as const;

/** `Base: debian:trixie sha256:… (its layers)`; a guess says so. */
export function baseLine(base: ImageBase['base']): string {
  if (base === null) return 'Base: none recognised';
  const name = `${base.reference ?? ''} ${shortDigest(base.digest)}`.trim();
  if (base.evidence !== 'packages') return printable(`Base: ${name} (${WORDS[base.evidence]})`);
  const { score, same, named, packages } = base;
  const other = (named ?? 0) - (same ?? 0);
  const share = `${same} of its ${packages} packages are here${other > 0 ? `, ${other} in another version` : ''}`;
  return printable(`Base: probably ${name} (score ${score?.toFixed(2)}: ${share}; nothing acts on it)`);
}
