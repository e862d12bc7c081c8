import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCacheFile } from '../../base/index.ts';
import type { Digest, LayerItem } from '../../oci/index.ts';
import type { StageShape } from './stage-shape.ts';
import { itemsOf, tarOf } from './tar-items.ts';

/** A layer of packages, as far as it is needed to read it again. */
export interface StageLayer {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly uncompressed: number;
}

/** One run of the maintainer scripts: what went in, what of it was read, what came out. */
export interface StageRecord {
  readonly layers: readonly StageLayer[];
  /** `name:architecture` → sha256 of the .deb. */
  readonly packages: Readonly<Record<string, string>>;
  readonly shape: StageShape;
  /** Path → digest of an entry, for what was laid over the packages but dpkg's status file. */
  readonly state: Readonly<Record<string, string>>;
  readonly reads: readonly string[];
  /** Packages whose stanzas in dpkg's database were asked for; undefined: somebody may have asked for any. */
  readonly queried: readonly string[] | undefined;
  /** Why this run must not be used for other packages. */
  readonly unfit: string | undefined;
}

export interface Stage {
  readonly record: StageRecord;
  /** What the scripts changed; times are still to be set. */
  readonly changes: readonly LayerItem[];
}

const fileOf = (cache: string, family: string): string => join(cache, 'compose', 'stages', family);
const sumOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** First line: the record and the sum of the rest, so that a file cut short is noticed. Rest: an archive. */
export async function keepStage(cache: string, family: string, { record, changes }: Stage): Promise<void> {
  const tar = tarOf(changes);
  const text = JSON.stringify(record);
  const head = JSON.stringify({ sum: sumOf(tar), recordSum: sumOf(Buffer.from(text)) });
  await writeCacheFile(fileOf(cache, family), Buffer.concat([Buffer.from(`${head}\n${text}\n`), tar]));
}

/** The last run of a family of builds; undefined when there is none, or its file is damaged. */
export async function readStage(cache: string, family: string): Promise<Stage | undefined> {
  try {
    const bytes = await readFile(fileOf(cache, family));
    const first = bytes.indexOf(0x0a);
    const second = bytes.indexOf(0x0a, first + 1);
    const head = JSON.parse(bytes.toString('utf8', 0, first)) as { readonly sum: string; readonly recordSum: string };
    const [text, tar] = [bytes.subarray(first + 1, second), bytes.subarray(second + 1)];
    if (sumOf(tar) !== head.sum || sumOf(text) !== head.recordSum) return undefined;
    return { record: JSON.parse(text.toString('utf8')) as StageRecord, changes: itemsOf(tar) };
  } catch {
    return undefined;
  }
}
