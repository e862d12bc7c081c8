import type { ImageContents } from '../inventory/index.ts';
import type { CliContext } from './context.ts';
import { cliError } from './errors.ts';
import { openHomeDatabase } from './open-database.ts';

/** Puts a scanned image into the home's inventory under its reference. */
export async function recordContents(reference: string, contents: ImageContents, context: CliContext): Promise<void> {
  const { digest } = contents;
  if (digest === undefined) {
    throw cliError('CLI_USAGE', `${reference} is a root folder: it has no digest the inventory could know it by`, {
      hint: 'Leave --record out, or scan an image.',
    });
  }
  const { recordImage } = await import('../inventory/store/index.ts');
  const database = await openHomeDatabase(context);
  try {
    await database.transaction((trx) => recordImage(trx, { digest, contents, reference, now: new Date() }));
  } finally {
    await database.close();
  }
}
