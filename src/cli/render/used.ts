import type { LoadedIn } from '../../inventory/index.ts';
import type { PackageUsage } from '../../inventory/usage/index.ts';

const TEXTS = { entrypoint: 'entry point', executable: 'program', library: 'library' } as const;

/** What a document says of packages of which nobody can know. */
const UNKNOWN = { usage: 'unknown' } as const;

/** The column USED; none where of no row it is known, unless nobody can know it. */
export function usedColumn<T>(
  rows: readonly T[],
  of: (row: T) => Partial<PackageUsage> | undefined,
  isUnknowable = false,
): readonly { readonly title: string; readonly value: (row: T) => string }[] {
  if (!isUnknowable && rows.every((row) => of(row)?.usage === undefined)) return [];
  return [{ title: 'USED', value: (row) => usedText(of(row)) }];
}

function usedText({ usage, linkedBy }: Partial<PackageUsage> = {}): string {
  if (usage === undefined) return '?';
  if (usage === 'contained') return '';
  return usage === 'loaded' || linkedBy === undefined ? usage : TEXTS[linkedBy];
}

/** `web on host1 (restart due)` */
export function placeText({ host, name, container, restartDue }: LoadedIn): string {
  return `${name ?? container.slice(0, 12)} on ${host}${restartDue ? ' (restart due)' : ''}`;
}

/** What a document says of the use of a package. */
export function usageJson(
  row: Partial<PackageUsage> & { readonly loadedIn?: readonly LoadedIn[] } = {},
  isUnknowable = false,
): object {
  const { usage, linkedBy, loadedIn } = row;
  if (usage === undefined && isUnknowable) return UNKNOWN;
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(linkedBy === undefined ? {} : { linkedBy }),
    ...(loadedIn === undefined ? {} : { loadedIn }),
  };
}
