import type { InstalledPackage, SourcePackage } from '../types.ts';
import { RELATION_FIELDS } from './relations.ts';

/** `Source: name (version)`; both default to the binary's own (policy 5.6.1). */
export function parseSource(text: string | undefined, name: string, version: string): SourcePackage {
  if (text === undefined || text === '') return { name, version };
  const open = text.indexOf('(');
  if (open < 0) return { name: text.trim(), version };
  const close = text.indexOf(')', open);
  return { name: text.slice(0, open).trim(), version: text.slice(open + 1, close < 0 ? undefined : close).trim() };
}

export function parseMultiArch(text: string | undefined): InstalledPackage['multiArch'] {
  return text === 'same' || text === 'foreign' || text === 'allowed' ? text : 'no';
}

/** A count field such as Size: 0 when absent or not a whole number. */
export function parseCount(text: string | undefined): number {
  const count = Number(text);
  return Number.isSafeInteger(count) && count >= 0 ? count : 0;
}

/** Every field a RepositoryPackage needs, in the order the scanner and the compact form keep them. */
export const INDEX_FIELDS = [
  'Package',
  'Version',
  'Architecture',
  'Source',
  'Essential',
  'Priority',
  'Section',
  'Multi-Arch',
  'Filename',
  'Size',
  'SHA256',
  'Installed-Size',
  ...RELATION_FIELDS,
] as const;
