import { isHeraklitError, messageOf, type Progress, silentProgress } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import { type Digest, digestHex, type ImageIndex } from '../../oci/index.ts';
import type { BlobStore, OtherFile } from '../../storage/index.ts';
import { type Amount, NONE, plus } from './candidates.ts';
import { type Finding, Findings } from './findings.ts';
import { forEachParallel } from './parallel.ts';
import { checkCatalogue } from './verify-catalogue.ts';

/** Blobs hashed at a time. */
const PARALLEL = 4;
/** Leftovers named one by one. */
const LISTED = 1_000;

/** Part `number` (from 1) of `of`: the same blobs each time, so that a store is walked in pieces. */
export interface Part {
  readonly number: number;
  readonly of: number;
}

export interface VerifyOptions {
  readonly database: Database;
  readonly store: BlobStore;
  readonly mirrored?: (repository: string) => boolean;
  /** What lies in the store besides blobs; only of stores that are folders. */
  readonly audit?: () => AsyncIterable<OtherFile>;
  /** index.json; throws when it is broken. */
  readonly layout?: () => Promise<ImageIndex>;
  /** Puts a corrupt blob aside; says where. */
  readonly setAside?: (digest: Digest, modified: number) => Promise<string | undefined>;
  /** Only blobs written or renewed since, in ms since the epoch. The catalogue is checked all the same. */
  readonly since?: number;
  readonly part?: Part;
  /** Corrupt blobs are put aside, so that they can be pushed again. */
  readonly repair?: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface VerifyReport {
  readonly started: string;
  readonly milliseconds: number;
  /** Blobs whose bytes were hashed. */
  readonly hashed: Amount;
  /** Blobs that `since` or `part` left out. */
  readonly skipped: number;
  readonly manifests: number;
  /** All of them; `findings` names at most 10,000. */
  readonly found: number;
  readonly findings: readonly Finding[];
  /** Scratch files, uploads and blobs put aside: not wrong, and named at most 1,000 each. */
  readonly leftovers: readonly OtherFile[];
}

/**
 * Walks store and catalogue: every blob hashes to its name, everything a repository serves is there and as long as it
 * says, the layout's own files are right, and nothing else lies around. Nothing is changed but by `repair`. Pushes,
 * pulls and collection may go on meanwhile.
 */
export async function verifyRegistry(options: VerifyOptions): Promise<VerifyReport> {
  const began = Date.now();
  const findings = new Findings();
  const leftovers: OtherFile[] = [];
  const { hashed, skipped } = await hashBlobs(options, findings);
  const manifests = await checkCatalogue(options, findings);
  await checkLayout(options, findings);
  for await (const file of options.audit?.() ?? []) {
    if (file.kind === 'stray') findings.add(stray(file));
    else if (leftovers.length < LISTED) leftovers.push(file);
  }
  return {
    started: new Date(began).toISOString(),
    milliseconds: Date.now() - began,
    ...{ hashed, skipped, manifests, found: findings.count, findings: findings.list, leftovers },
  };
}

const stray = ({ path, size }: OtherFile): Finding => ({
  kind: 'stray',
  path,
  message: `${path} (${size} bytes) is no blob and nothing of ours`,
});

async function hashBlobs(
  { store, since = 0, part, repair, setAside, progress = silentProgress, signal }: VerifyOptions,
  findings: Findings,
): Promise<{ readonly hashed: Amount; readonly skipped: number }> {
  let hashed = NONE;
  let skipped = 0;
  await forEachParallel(store.list(), PARALLEL, async ({ digest, size, modified }) => {
    signal?.throwIfAborted();
    if (modified < since || !isInPart(digest, part)) {
      skipped += 1;
      return;
    }
    const wrong = await hashBlob(store, digest, signal);
    hashed = plus(hashed, { blobs: 1, bytes: size });
    progress.update('hashing blobs', hashed.blobs, 0, `${Math.round(hashed.bytes / 1e6)} MB`);
    if (wrong === undefined) return;
    const aside = repair === true ? await setAside?.(digest, modified) : undefined;
    findings.add({ kind: 'corrupt', digest, message: wrong, ...(aside === undefined ? {} : { aside }) });
  });
  return { hashed, skipped };
}

export function isInPart(digest: Digest, part: Part | undefined): boolean {
  return part === undefined || Number.parseInt(digestHex(digest).slice(0, 8), 16) % part.of === part.number - 1;
}

/** What is wrong with a blob's bytes; nothing when it is gone by now. @throws what reading throws */
async function hashBlob(
  store: BlobStore,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    for await (const _chunk of await store.open(digest)) signal?.throwIfAborted();
    return undefined;
  } catch (error) {
    if (isHeraklitError(error, 'BLOB_MISSING')) return undefined;
    if (isHeraklitError(error, 'OCI_DIGEST_MISMATCH')) return error.message;
    throw error;
  }
}

async function checkLayout({ layout, store }: VerifyOptions, findings: Findings): Promise<void> {
  if (layout === undefined) return;
  let index: ImageIndex;
  try {
    index = await layout();
  } catch (error) {
    if (!isHeraklitError(error, 'STORAGE_LAYOUT_INVALID')) throw error;
    findings.add({ kind: 'layout', message: messageOf(error) });
    return;
  }
  for (const { digest, size } of index.manifests) {
    const found = (await store.stat(digest))?.size;
    if (found === undefined) findings.add({ kind: 'missing', digest, message: `index.json names ${digest}` });
    else if (found !== size) {
      findings.add({ kind: 'size', digest, message: `index.json says ${size} bytes, ${digest} has ${found}` });
    }
  }
}
