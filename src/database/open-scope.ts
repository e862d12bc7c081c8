import { AsyncLocalStorage } from 'node:async_hooks';
import type { KyselyPlugin, PluginTransformQueryArgs, PluginTransformResultArgs } from 'kysely';
import { databaseError } from './errors.ts';

/** The transaction that is open around the running code, if any. */
export interface OpenScope {
  open: boolean;
}

export const openScope = new AsyncLocalStorage<OpenScope>();

/** @throws DATABASE_OUTSIDE_TRANSACTION */
export function refuseInsideTransaction(what: string): void {
  if (openScope.getStore()?.open !== true) return;
  throw databaseError('DATABASE_OUTSIDE_TRANSACTION', `${what} inside an open transaction`, {
    hint: 'Use the transaction handle that the callback received.',
  });
}

/**
 * Sits on the handle that is not a transaction. On the embedded database's single connection such a query would wait
 * for its own transaction for ever; on PostgreSQL it would commit alone. Both become an error at once.
 */
export const refusePastTransaction: KyselyPlugin = {
  transformQuery(query: PluginTransformQueryArgs) {
    refuseInsideTransaction('a query on the database handle');
    return query.node;
  },
  async transformResult(result: PluginTransformResultArgs) {
    return result.result;
  },
};
