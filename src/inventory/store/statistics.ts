import { sql } from 'kysely';
import type { DatabaseTransaction } from '../../database/index.ts';

/** Growth since statistics were last gathered that makes them stale. */
const STALE = 2;
const FEW_IMAGES = 1_000;

/**
 * Tells the planner how large the inventory is, once it has doubled. A server does so by itself, a minute later; the
 * embedded database never does. Call it where much was written and time is not short.
 */
export async function refreshStatistics(trx: DatabaseTransaction): Promise<void> {
  const { rows } = await sql<{ known: number; images: number }>`
    select (select reltuples::float8 from pg_class where oid = 'image'::regclass) as known,
      (select coalesce(max(id), 0)::float8 from image) as images`.execute(trx);
  const { known, images } = rows[0] as { known: number; images: number };
  if (images < FEW_IMAGES || images < known * STALE) return;
  await sql`
    analyze image, image_reference, package, package_version, package_set, package_version_sets, layer, layer_package,
      scope_package, package_check, exposure, image_languages, layer_files, file_path, file_folder`.execute(trx);
}
