import type { Database } from '../../database/index.ts';

/** Images that webhooks asked to look at; `done` takes them off once a round has. */
export interface RefreshRequests {
  readonly images: ReadonlySet<string>;
  done(): Promise<void>;
}

/** What was asked for until now. Asked for again meanwhile, it stays for the next round. */
export async function refreshRequests(database: Database, fleet: string): Promise<RefreshRequests> {
  const rows = await database.kysely
    .selectFrom('source_refresh')
    .select(['image', 'requested'])
    .where('fleet', '=', fleet)
    .execute();
  return {
    images: new Set(rows.map((row) => row.image)),
    async done() {
      await database.transaction(async (trx) => {
        for (const { image, requested } of rows) {
          await trx
            .deleteFrom('source_refresh')
            .where('fleet', '=', fleet)
            .where('image', '=', image)
            .where('requested', '<=', requested)
            .execute();
        }
      });
    },
  };
}
