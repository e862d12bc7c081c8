import { sql } from 'kysely';
import { isHeraklitError, type Progress, silentProgress } from '../../base/index.ts';
import { type Database, unnest } from '../../database/index.ts';
import { type Digest, isDigest, MAX_MANIFEST_BYTES } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { Findings } from './findings.ts';
import { forEachParallel } from './parallel.ts';

/** Manifests looked at together. */
const PAGE = 100;
const PARALLEL = 16;
/** Blob sizes remembered, because images share layers. */
const REMEMBERED = 200_000;

export interface CatalogueCheck {
  readonly database: Database;
  readonly store: BlobStore;
  /** Repositories that fetch from elsewhere what is asked for: not all of an image need be here. */
  readonly mirrored?: (repository: string) => boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

interface Row {
  readonly repository: number;
  readonly name: string;
  readonly digest: Digest;
  readonly size: number;
}

/** Something a manifest says must be there. */
interface Wanted {
  readonly row: Row;
  readonly digest: Digest;
  readonly size: number | undefined;
}

/** Every manifest of every repository is readable, and what it needs is served and whole. @returns how many there are */
export async function checkCatalogue(options: CatalogueCheck, findings: Findings): Promise<number> {
  const { database, progress = silentProgress, signal } = options;
  const sizes = new Map<Digest, number | undefined>();
  let [count, repository, digest] = [0, -1, ''];
  for (;;) {
    signal?.throwIfAborted();
    const { rows } = await sql<Row>`select m.repository, r.name, m.digest, m.size
      from registry_manifest m join registry_repository r on r.id = m.repository
      where (m.repository, m.digest) > (${repository}, ${digest}) order by m.repository, m.digest
      limit ${PAGE}`.execute(database.kysely);
    const last = rows.at(-1);
    if (last === undefined) break;
    [repository, digest] = [last.repository, last.digest];
    const wanted: Wanted[] = [];
    await forEachParallel(rows, PARALLEL, async (row) => {
      wanted.push(...(await readManifest(options, row, findings)));
    });
    await checkWanted(options, wanted, sizes, findings);
    count += rows.length;
    progress.update('checking manifests', count, 0);
    if (sizes.size > REMEMBERED) sizes.clear();
  }
  await checkLinkSizes(options, findings);
  return count;
}

/** Config and layers of a manifest; of an index nothing, as it may be sparse and its children have rows of their own. */
async function readManifest(
  { database, store }: CatalogueCheck,
  row: Row,
  findings: Findings,
): Promise<readonly Wanted[]> {
  const { digest, name } = row;
  let bytes: Buffer;
  try {
    bytes = await store.read(digest, MAX_MANIFEST_BYTES);
  } catch (error) {
    if (!isHeraklitError(error)) throw error;
    // It may have been deleted and collected since its row was read.
    if (!(await isStill(database, row))) return [];
    const kind = error.code === 'BLOB_MISSING' ? 'missing' : error.code === 'BLOB_TOO_LARGE' ? 'manifest' : 'corrupt';
    if (kind === 'missing') findings.add({ kind, digest, message: `${name} serves the manifest ${digest}` });
    else findings.add({ kind, digest, message: error.message });
    return [];
  }
  if (bytes.length !== row.size) {
    const message = `${name} says ${row.size} bytes of the manifest ${digest}, it has ${bytes.length}`;
    findings.add({ kind: 'size', digest, message });
  }
  const needs = neededBy(bytes);
  if (needs !== undefined) return needs.map((need) => ({ row, ...need }));
  findings.add({ kind: 'manifest', digest, message: `${name} serves ${digest} as a manifest, which it is not` });
  return [];
}

/** Config and layers that are not fetched from elsewhere. */
function neededBy(bytes: Buffer): readonly Pick<Wanted, 'digest' | 'size'>[] | undefined {
  let value: { config?: unknown; layers?: unknown; manifests?: unknown; schemaVersion?: unknown } | null;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value.manifests)) return [];
  const all = [value.config, ...(Array.isArray(value.layers) ? value.layers : [])];
  return all.flatMap((descriptor) => {
    const { digest, size, urls } = (descriptor ?? {}) as { digest?: unknown; size?: unknown; urls?: unknown };
    if (typeof digest !== 'string' || !isDigest(digest) || (Array.isArray(urls) && urls.length > 0)) return [];
    return [{ digest, size: typeof size === 'number' ? size : undefined }];
  });
}

async function checkWanted(
  { database, store, mirrored }: CatalogueCheck,
  wanted: readonly Wanted[],
  sizes: Map<Digest, number | undefined>,
  findings: Findings,
): Promise<void> {
  const unknown = new Set(wanted.map(({ digest }) => digest).filter((digest) => !sizes.has(digest)));
  await forEachParallel(unknown, PARALLEL, async (digest) => {
    sizes.set(digest, (await store.stat(digest))?.size);
  });
  const pairs = wanted.map(({ row, digest }) => ({ repository: row.repository, digest, manifest: row.digest }));
  const { rows } = await sql<{ repository: number; name: string; digest: Digest; manifest: Digest }>`
    select distinct asked.repository, r.name, asked.digest, asked.manifest
    from ${unnest(pairs, { repository: 'integer', digest: 'text', manifest: 'text' })}
      as asked (repository, digest, manifest)
    join registry_repository r on r.id = asked.repository
    join registry_manifest m on m.repository = asked.repository and m.digest = asked.manifest
    where not exists (
      select from registry_blob b where b.repository = asked.repository and b.digest = asked.digest
    )`.execute(database.kysely);
  const unlinked = new Set(rows.map(({ repository, digest }) => `${repository}:${digest}`));
  for (const { row, digest, size } of wanted) {
    const found = sizes.get(digest);
    if (found === size || (found !== undefined && size === undefined)) continue;
    if (!(await isStill(database, row))) continue;
    const where = `${row.name} names it in ${row.digest}`;
    // Neither here nor served: a mirror that nobody asked for it yet.
    if (found === undefined && unlinked.has(`${row.repository}:${digest}`)) continue;
    if (found === undefined) findings.add({ kind: 'missing', digest, message: where });
    else findings.add({ kind: 'size', digest, message: `${where} with ${size} bytes, it has ${found}` });
  }
  for (const { name, digest, manifest } of rows) {
    if (sizes.get(digest) === undefined || mirrored?.(name) === true) continue;
    findings.add({ kind: 'unlinked', digest, message: `${name} does not serve it, and names it in ${manifest}` });
  }
}

async function isStill(database: Database, { repository, digest }: Row): Promise<boolean> {
  const { rows } = await sql`select 1 as one from registry_manifest
    where repository = ${repository} and digest = ${digest}`.execute(database.kysely);
  return rows.length > 0;
}

/** What the catalogue counts as a blob's size is the size it has. */
async function checkLinkSizes({ database, store, signal }: CatalogueCheck, findings: Findings): Promise<void> {
  for (let after = ''; ; ) {
    signal?.throwIfAborted();
    const { rows } = await sql<{ digest: Digest; least: number; most: number }>`
      select digest, min(size) as least, max(size) as most from registry_blob
      where digest > ${after} and size is not null group by digest order by digest limit ${PAGE * 10}`.execute(
      database.kysely,
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.digest;
    await forEachParallel(rows, PARALLEL, async ({ digest, least, most }) => {
      const found = (await store.stat(digest))?.size;
      // A link without a blob is what a killed push or collection leaves; what names it was checked above.
      if (found === undefined || (found === least && found === most)) return;
      const said = least === most ? String(least) : `${least} and ${most}`;
      findings.add({ kind: 'size', digest, message: `the catalogue counts ${said} bytes, it has ${found}` });
    });
  }
}
