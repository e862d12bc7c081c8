import { isHeraklitError } from '../base/index.ts';
import type { RemoteAccounts } from '../http/index.ts';
import type { CliContext } from './context.ts';
import { openHomeDatabase } from './open-database.ts';
import { readServeFile } from './serve-file.ts';

/** The home's accounts: in its database, or through the server that holds it. @throws DATABASE_IN_USE */
export async function withAccounts<T>(context: CliContext, work: (accounts: RemoteAccounts) => Promise<T>): Promise<T> {
  let database: Awaited<ReturnType<typeof openHomeDatabase>>;
  try {
    database = await openHomeDatabase(context);
  } catch (error) {
    const serving = isHeraklitError(error, 'DATABASE_IN_USE') ? await readServeFile(context.home) : undefined;
    if (serving === undefined) throw error;
    const { createRemoteAccounts } = await import('../http/index.ts');
    return work(createRemoteAccounts(serving.url, serving.key));
  }
  try {
    const [{ openAdmin }, { localAccounts }] = await Promise.all([
      import('../access/index.ts'),
      import('./local-accounts.ts'),
    ]);
    const { admin, close } = await openAdmin({ database, home: context.home, log: context.log });
    try {
      return await work(localAccounts(admin));
    } finally {
      await close();
    }
  } finally {
    await database.close();
  }
}
