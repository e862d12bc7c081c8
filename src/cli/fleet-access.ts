import { isHeraklitError } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { RemoteHeraklit } from '../http/index.ts';
import type { CliContext } from './context.ts';
import { openHomeDatabase } from './open-database.ts';
import { readServeFile } from './serve-file.ts';

/** The home's database, or, where `heraklit serve` holds it, that server. */
export type FleetAccess =
  | { readonly kind: 'database'; readonly database: Database }
  | { readonly kind: 'server'; readonly server: RemoteHeraklit };

/** @throws DATABASE_IN_USE when another process holds the home and serves nothing */
export async function openFleetAccess(context: CliContext): Promise<FleetAccess> {
  try {
    return { kind: 'database', database: await openHomeDatabase(context) };
  } catch (error) {
    const serving = isHeraklitError(error, 'DATABASE_IN_USE') ? await readServeFile(context.home) : undefined;
    if (serving === undefined) throw error;
    const { createRemoteQueries } = await import('../http/index.ts');
    return { kind: 'server', server: createRemoteQueries(serving.url, serving.key) };
  }
}
