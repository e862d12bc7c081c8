import { isHeraklitError, messageOf } from '../base/index.ts';
import type { ImageBase } from '../http/index.ts';
import type { ImageContents } from '../inventory/index.ts';
import type { CliContext } from './context.ts';
import { askFleet } from './fleet-queries.ts';

/** What the inventory recognises an image's base by; undefined where it cannot be asked. Says why in a warning. */
export async function baseOfImage(
  { digest }: Pick<ImageContents, 'digest'>,
  context: CliContext,
): Promise<ImageBase['base'] | undefined> {
  if (digest === undefined) return undefined;
  try {
    return (await askFleet(context, (queries) => queries.base(digest))).base;
  } catch (error) {
    context.signal.throwIfAborted();
    const isUnknown = isHeraklitError(error, 'HTTP_NOT_FOUND');
    context.log.warn(
      isUnknown
        ? 'the inventory does not have the image, and recognises no base of it: scan --record puts it there'
        : `the inventory cannot be asked for the base: ${messageOf(error)}`,
    );
    return undefined;
  }
}
