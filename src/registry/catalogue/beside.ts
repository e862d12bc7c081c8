import type { DatabaseTransaction } from '../../database/index.ts';
import type { Published, PublishOptions } from './catalogue.ts';

/** One publication of those that share a transaction. */
export interface Told {
  readonly published: readonly Published[];
  readonly options: PublishOptions;
}

/** Everything that commits with publications: what each wants for itself, then the rows of all by who writes them. */
export async function writeBeside(all: readonly Told[], trx: DatabaseTransaction | undefined): Promise<void> {
  for (const { published, options } of all) await options.within?.(published, trx);
  const rows = new Map<
    (rows: readonly unknown[], trx: DatabaseTransaction | undefined) => Promise<unknown>,
    unknown[]
  >();
  for (const { published, options } of all) {
    for (const beside of options.beside ?? []) {
      const known = rows.get(beside.write) ?? [];
      rows.set(beside.write, known);
      known.push(...beside.rows(published));
    }
  }
  for (const [write, told] of rows) if (told.length > 0) await write(told, trx);
}
