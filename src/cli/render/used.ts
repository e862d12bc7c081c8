import type { ImageUsage, PackageUsage } from '../../inventory/usage/index.ts';

const TEXTS = { entrypoint: 'entry point', executable: 'program', library: 'library' } as const;

/** The column USED; none where nothing is known of usage. */
export function usedColumn<T>(
  usage: ImageUsage | undefined,
  of: (row: T) => PackageUsage | undefined,
): readonly { readonly title: string; readonly value: (row: T) => string }[] {
  if (usage === undefined) return [];
  return [{ title: 'USED', value: (row) => usedText(of(row)) }];
}

function usedText(usage: PackageUsage | undefined): string {
  if (usage === undefined || usage.usage === 'contained') return '';
  return usage.linkedBy === undefined ? usage.usage : TEXTS[usage.linkedBy];
}
