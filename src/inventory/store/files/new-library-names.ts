import type { DatabaseTransaction } from '../../../database/index.ts';
import type { Digest } from '../../../oci/index.ts';
import type { RecordedContents } from '../recorded-contents.ts';
import { recordLibraryNames } from './record-files.ts';

/** SONAMEs of the layers whose libraries are not known yet; in one order, whoever records. */
export async function recordNewLibraryNames(
  trx: DatabaseTransaction,
  images: readonly Pick<RecordedContents, 'layers' | 'libraryNames'>[],
  ids: ReadonlyMap<Digest, number>,
): Promise<void> {
  const named = new Map(
    images.flatMap(({ layers, libraryNames }) =>
      (libraryNames ?? []).flatMap((names, at) => {
        const diffId = layers[at]?.diffId;
        return diffId === undefined ? [] : [[diffId, names] as const];
      }),
    ),
  );
  const wanted = [...named.keys()].flatMap((diffId) => ids.get(diffId) ?? []);
  if (wanted.length === 0) return;
  const rows = await trx.selectFrom('layer_elf').select('layer').where('layer', 'in', wanted).execute();
  const known = new Set(rows.map(({ layer }) => layer));
  for (const diffId of [...named.keys()].sort()) {
    const id = ids.get(diffId);
    if (id !== undefined && !known.has(id)) await recordLibraryNames(trx, diffId, named.get(diffId) ?? []);
  }
}
