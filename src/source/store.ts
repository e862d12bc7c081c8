import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { createZstdCompress } from 'node:zlib';
import { decompress } from '../archive/index.ts';
import { asCodedError, messageOf, syncDirectory, writeFileAtomic } from '../base/index.ts';
import { type Digest, digestHex, digestOf, isDigest } from '../oci/index.ts';
import { sourceError } from './errors.ts';
import { type TreeFacts, writeTree } from './tree.ts';
import type { TreeEntry } from './tree-entry.ts';
import type { Revision, SourceBuild, SourceLimits } from './types.ts';

/**
 * `trees/HEX.tar.zst`: canonical archives by the digest of what they unpack to, each once. `revisions/SOURCE/ID.json`: which
 * commit is which tree. `refs/HEX.json`: what a ref named last. `builds/HEX.json`: what an image was made from. Plain files, so that they can be read beside a running
 * server, copied, and understood in two years.
 */
export interface SourceStore {
  addTree(entries: readonly TreeEntry[], limits: SourceLimits): Promise<TreeFacts>;
  has(tree: Digest): Promise<boolean>;
  /** Bytes of the canonical archive. @throws SOURCE_DAMAGED where it is gone */
  openTree(tree: Digest): Promise<AsyncIterable<Uint8Array>>;
  /** Reads it whole. @throws SOURCE_DAMAGED */
  checkTree(tree: Digest): Promise<void>;
  /** Bytes on disk. */
  sizeOf(tree: Digest): Promise<number>;
  /** Keeps the first of equal ones. */
  addRevision(revision: Revision): Promise<Revision>;
  revision(source: string, id: string): Promise<Revision | undefined>;
  revisions(): Promise<readonly Revision[]>;
  /** What a ref named when it was looked at last. */
  latest(source: string, ref: string): Promise<Revision | undefined>;
  setLatest(revision: Revision, ref: string): Promise<void>;
  /** The same build again changes nothing. */
  addBuild(build: SourceBuild): Promise<void>;
  /** By the digest of the image, or the beginning of it. */
  findBuild(digest: string): Promise<SourceBuild | undefined>;
}

/** Of a git source the commit, of others the tree. */
export const idOf = (revision: Revision): string => revision.commit ?? digestHex(revision.tree);

const MAX_RECORD_BYTES = 1024 * 1024;

export function openSourceStore(root: string): SourceStore {
  const treeFile = (tree: Digest): string => join(root, 'trees', `${digestHex(tree)}.tar.zst`);
  const revisionFile = (source: string, id: string): string => join(root, 'revisions', source, `${id}.json`);
  const buildFile = (hex: string): string => join(root, 'builds', `${hex}.json`);
  const refFile = (source: string, ref: string): string =>
    join(root, 'refs', `${digestHex(digestOf(`${source}\n${ref}`))}.json`);
  const store: SourceStore = {
    async addTree(entries, limits) {
      const folder = join(root, 'trees');
      await mkdir(folder, { recursive: true });
      const aside = join(folder, `.${randomUUID()}.partial`);
      try {
        const facts = await writeCompressed(aside, (sink) => writeTree(entries, limits, sink));
        await rename(aside, treeFile(facts.digest));
        await syncDirectory(folder);
        return facts;
      } catch (error) {
        throw asCodedError(error);
      } finally {
        await rm(aside, { force: true });
      }
    },
    async has(tree) {
      return (await stat(treeFile(tree)).catch(() => undefined)) !== undefined;
    },
    async openTree(tree) {
      if (!(await store.has(tree))) throw damaged(tree, 'its archive is gone');
      return decompress(createReadStream(treeFile(tree)), 'zstd');
    },
    async checkTree(tree) {
      const hash = createHash('sha256');
      try {
        for await (const chunk of await store.openTree(tree)) hash.update(chunk);
      } catch (error) {
        throw damaged(tree, messageOf(error));
      }
      const found = `sha256:${hash.digest('hex')}`;
      if (found !== tree) throw damaged(tree, `its archive is ${found}`);
    },
    async sizeOf(tree) {
      return (await stat(treeFile(tree)).catch(() => undefined))?.size ?? 0;
    },
    async addRevision(revision) {
      const file = revisionFile(revision.source, idOf(revision));
      const known = await readRecord(file);
      if (known?.tree === revision.tree) return known;
      await writeFileAtomic(file, `${JSON.stringify(revision, undefined, 2)}\n`);
      return revision;
    },
    async revision(source, id) {
      return readRecord(revisionFile(source, id));
    },
    async revisions() {
      const folders = await readdir(join(root, 'revisions')).catch(() => []);
      const found: Revision[] = [];
      for (const source of folders) {
        for (const name of await readdir(join(root, 'revisions', source)).catch(() => [])) {
          const revision = name.endsWith('.json') ? await readRecord(join(root, 'revisions', source, name)) : undefined;
          if (revision !== undefined) found.push(revision);
        }
      }
      return found.sort((a, b) => compare(a.location, b.location) || compare(b.fetched, a.fetched));
    },
    async latest(source, ref) {
      return readRecord(refFile(source, ref));
    },
    async addBuild(build) {
      await writeFileAtomic(buildFile(digestHex(build.digest)), `${JSON.stringify(build, undefined, 2)}\n`);
    },
    async findBuild(digest) {
      const hex = digest.replace(/^sha256:/, '');
      if (!/^[0-9a-f]{7,64}$/.test(hex)) return undefined;
      const names = (await readdir(join(root, 'builds')).catch(() => [])).filter((name) => name.startsWith(hex));
      const [name] = names;
      if (name === undefined || names.length > 1) return undefined;
      return JSON.parse(await readFile(join(root, 'builds', name), 'utf8')) as SourceBuild;
    },
    async setLatest(revision, ref) {
      await writeFileAtomic(refFile(revision.source, ref), `${JSON.stringify(revision, undefined, 2)}\n`);
    },
  };
  return store;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const damaged = (tree: Digest, why: string): Error =>
  sourceError('SOURCE_DAMAGED', `the stored source ${tree} cannot be used: ${why}`, {
    hint: 'Bring sources/ of the home back from a backup, or fetch the commit again while its server has it.',
  });

/** Undefined for what is not there or not a record: it is made again where that is possible. */
async function readRecord(file: string): Promise<Revision | undefined> {
  const facts = await stat(file).catch(() => undefined);
  if (facts === undefined || facts.size > MAX_RECORD_BYTES) return undefined;
  try {
    const value = JSON.parse(await readFile(file, 'utf8')) as Partial<Revision> | null;
    const whole = typeof value?.source === 'string' && typeof value.tree === 'string' && isDigest(value.tree);
    return whole ? (value as Revision) : undefined;
  } catch {
    return undefined;
  }
}

/** Compresses what `write` gives into a new file and syncs it. */
async function writeCompressed<T>(
  file: string,
  write: (sink: (chunk: Uint8Array) => Promise<void> | undefined) => Promise<T>,
): Promise<T> {
  const handle = await open(file, 'wx', 0o600);
  const compressor = createZstdCompress();
  const target = new Writable({
    write: (chunk: Buffer, _, done) => {
      handle.writeFile(chunk).then(() => done(), done);
    },
  });
  const written = finished(compressor.pipe(target));
  written.catch(() => undefined);
  try {
    const result = await write((chunk) => {
      if (compressor.write(chunk)) return undefined;
      return new Promise((resolve, reject) => {
        compressor.once('drain', resolve);
        target.once('error', reject);
      });
    });
    compressor.end();
    await written;
    await handle.sync();
    return result;
  } finally {
    compressor.destroy();
    await handle.close();
  }
}
