import { inventoryError } from './errors.ts';

/** One page of a keyset-paginated query. `next` is undefined on the last page. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | undefined;
}

export const DEFAULT_PAGE = 100;
export const MAX_PAGE = 10_000;

/** A page size within bounds. */
export function pageSize(limit: number | undefined): number {
  if (limit === undefined || !Number.isFinite(limit)) return DEFAULT_PAGE;
  return Math.min(MAX_PAGE, Math.max(1, Math.trunc(limit)));
}

type Key = readonly (string | number)[];

/** The last row's sort key as an opaque, URL-safe text. */
export function encodeCursor(key: Key): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * @param shape the type of each part, in order
 * @throws INVENTORY_CURSOR_INVALID
 */
export function decodeCursor<Shape extends readonly ('string' | 'number')[]>(
  text: string,
  shape: Shape,
): { readonly [Index in keyof Shape]: Shape[Index] extends 'string' ? string : number } {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    value = undefined;
  }
  const fits =
    Array.isArray(value) && value.length === shape.length && shape.every((type, index) => typeof value[index] === type);
  if (!fits) {
    throw inventoryError(
      'INVENTORY_CURSOR_INVALID',
      `not a cursor of this query: ${JSON.stringify(text.slice(0, 80))}`,
      {
        hint: 'Pass the `next` value of the previous page unchanged, with the same filters.',
      },
    );
  }
  return value as never;
}

/** Cuts a result that was asked for with one row more than the page holds. */
export function toPage<Row>(rows: readonly Row[], limit: number, key: (row: Row) => Key): Page<Row> {
  if (rows.length <= limit) return { rows, next: undefined };
  const kept = rows.slice(0, limit);
  return { rows: kept, next: encodeCursor(key(kept[limit - 1] as Row)) };
}
