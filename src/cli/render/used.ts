import type { PackageUsage } from '../../inventory/usage/index.ts';

const TEXTS = { entrypoint: 'entry point', executable: 'program', library: 'library' } as const;

/** The column USED; none where of no row it is known. */
export function usedColumn<T>(
  rows: readonly T[],
  of: (row: T) => Partial<PackageUsage> | undefined,
): readonly { readonly title: string; readonly value: (row: T) => string }[] {
  if (rows.every((row) => of(row)?.usage === undefined)) return [];
  return [{ title: 'USED', value: (row) => usedText(of(row)) }];
}

function usedText({ usage, linkedBy }: Partial<PackageUsage> = {}): string {
  if (usage === undefined) return '?';
  if (usage === 'contained') return '';
  return usage === 'loaded' || linkedBy === undefined ? usage : TEXTS[linkedBy];
}
