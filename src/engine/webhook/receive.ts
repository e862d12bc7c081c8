import { sql } from 'kysely';
import { type Clock, isHeraklitError, systemClock } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import {
  type Forge,
  type ForgeKind,
  forgeError,
  isSigned,
  readDelivery,
  repositoryKey,
  type WebhookEvent,
  type WebhookHeaders,
} from '../../forge/index.ts';

/** `pg_notify` channel: sources are to be looked at. */
export const SOURCE_CHANNEL = 'heraklit_source';

/** An image of the fleet that comes from git. */
export interface WatchedImage {
  readonly image: string;
  readonly url: string;
  /** As the fleet file says it; undefined for the server's HEAD. */
  readonly ref: string | undefined;
}

export type WebhookAnswer =
  | { readonly result: 'ping' }
  | { readonly result: 'ignored'; readonly reason: string }
  /** This delivery was taken before. */
  | { readonly result: 'duplicate' }
  | { readonly result: 'accepted'; readonly images: readonly string[] };

export interface WebhookReceiver {
  /**
   * Takes a webhook: what it starts is written down before this resolves.
   * @throws FORGE_SIGNATURE_REFUSED, FORGE_DELIVERY_INVALID
   */
  receive(kind: ForgeKind, headers: WebhookHeaders, body: Buffer): Promise<WebhookAnswer>;
}

export interface ReceiverOptions {
  readonly database: Database;
  readonly fleet: string;
  readonly forges: readonly Forge[];
  readonly images: readonly WatchedImage[];
  readonly clock?: Clock;
}

/** Days for which a delivery is known; forges offer to send again for a few. */
const REMEMBERED_DAYS = 30;

export function webhookReceiver(options: ReceiverOptions): WebhookReceiver {
  const { database, fleet, images, clock = systemClock } = options;
  return {
    async receive(kind, headers, body) {
      await checkSignature(options, kind, headers, body, Math.floor(clock.now() / 1_000));
      const { id, event } = readDelivery(kind, headers, body);
      if (event.kind === 'ping') return { result: 'ping' };
      if (event.kind === 'other') return { result: 'ignored', reason: `nothing depends on ${event.event}` };
      const meant = imagesOf(event, images);
      if (meant.length === 0)
        return { result: 'ignored', reason: `no image is made from ${event.ref} of this repository` };
      if (event.after === undefined)
        return { result: 'ignored', reason: `${event.ref} was removed: images stay as they are` };
      const fresh = await remember(database, fleet, kind, id, meant, clock);
      return fresh ? { result: 'accepted', images: meant } : { result: 'duplicate' };
    },
  };
}

/** Every secret of the kind is tried: which forge it is shows by that alone. */
async function checkSignature(
  { forges }: ReceiverOptions,
  kind: ForgeKind,
  headers: WebhookHeaders,
  body: Buffer,
  now: number,
): Promise<void> {
  let right = false;
  for (const forge of forges) {
    if (forge.kind !== kind || forge.webhookSecret === undefined) continue;
    const secret = await forge.webhookSecret().catch((error: unknown) => {
      if (isHeraklitError(error)) return '';
      throw error;
    });
    right = isSigned(kind, headers, body, secret, now) || right;
  }
  if (right) return;
  throw forgeError('FORGE_SIGNATURE_REFUSED', `the webhook is not signed with a secret of a ${kind} of the fleet`, {
    hint: 'Give the forge the secret that forges[].webhookSecretFile of the fleet file holds.',
  });
}

/** Exactly the images that come from this ref of this repository. */
function imagesOf(event: Extract<WebhookEvent, { kind: 'push' }>, images: readonly WatchedImage[]): readonly string[] {
  const keys = new Set(event.urls.map(repositoryKey));
  return images
    .filter(({ url, ref }) => keys.has(repositoryKey(url)) && namesRef(ref, event.ref))
    .map(({ image }) => image)
    .sort();
}

function namesRef(asked: string | undefined, moved: string): boolean {
  // Which branch HEAD is only the server knows; one look at it is cheap.
  if (asked === undefined || asked === 'HEAD') return moved.startsWith('refs/heads/');
  return asked === moved || moved === `refs/heads/${asked}` || moved === `refs/tags/${asked}`;
}

/** False for a delivery that was taken before. */
async function remember(
  database: Database,
  fleet: string,
  forge: ForgeKind,
  id: string,
  images: readonly string[],
  clock: Clock,
): Promise<boolean> {
  const received = new Date(clock.now());
  return database.transaction(async (trx) => {
    const before = new Date(clock.now() - REMEMBERED_DAYS * 86_400_000);
    await trx.deleteFrom('webhook_delivery').where('received', '<', before).execute();
    const fresh = await trx
      .insertInto('webhook_delivery')
      .values({ forge, id, received })
      .onConflict((conflict) => conflict.doNothing())
      .returning('id')
      .executeTakeFirst();
    if (fresh === undefined) return false;
    await trx
      .insertInto('source_refresh')
      .values(images.map((image) => ({ fleet, image, requested: received })))
      .onConflict((conflict) => conflict.columns(['fleet', 'image']).doUpdateSet({ requested: received }))
      .execute();
    await sql`select pg_notify(${SOURCE_CHANNEL}, '')`.execute(trx);
    return true;
  });
}
