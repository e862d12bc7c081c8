import { readStatus, type StatusDatabase } from '../../distro/index.ts';
import { readElf } from '../../elf/index.ts';
import { type BlobSource, type Digest, flattenLayers, indexLayer, type ResolvedImage } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { LayerFactsReader } from '../layers/layer-facts.ts';
import { readFacts, topmostFile } from '../layers/read-facts.ts';
import type { StoredLayer } from '../layers/store-layer.ts';
import type { LayerFacts } from '../layers/types.ts';
import type { BuiltImage, PackageChange } from '../types.ts';
import { assembleRebased, type RebasedImage } from './assemble.ts';
import { type BaseTree, findPathConflicts } from './conflicts.ts';
import { rebaseError } from './errors.ts';
import { checkLibraries, type LibraryReader } from './libraries.ts';
import { mergeLines, packageOfList } from './merge-lines.ts';
import { mergePackages } from './merge-packages.ts';
import { writeMergedLayer } from './merged-layer.ts';
import { describeConflict, type RebaseConflict, type RebaseReport } from './report.ts';
import { type OwnLayers, ownLayers } from './split.ts';

const STATUS = 'var/lib/dpkg/status';

/** A base image with everything about it that does not depend on the child: computed once for a whole fleet. */
export interface PreparedBase extends BaseTree {
  readonly image: ResolvedImage;
  readonly facts: readonly LayerFacts[];
  readonly status: StatusDatabase;
}

export interface RebaseRequest {
  readonly child: ResolvedImage;
  readonly oldBase: PreparedBase;
  readonly newBase: PreparedBase;
  /** Goes to `org.opencontainers.image.base.name`. */
  readonly baseName?: string;
}

export interface RebaseTools {
  readonly store: BlobStore;
  readonly layers: LayerFactsReader;
}

export interface RebaseResult extends BuiltImage {
  readonly report: RebaseReport;
}

/** Reads a base's layers (each once in its life) and flattens them. */
export async function prepareBase(image: ResolvedImage, layers: LayerFactsReader): Promise<PreparedBase> {
  const facts = await readFacts(image, layers);
  return {
    image,
    facts,
    tree: flattenLayers(facts.map((fact) => fact.index)),
    diffIds: image.config.rootfs.diff_ids,
    status: readStatus(topmostFile(facts, STATUS) ?? new Uint8Array(), { what: `package database of ${image.digest}` }),
  };
}

/**
 * Moves a child to a new base without running anything: the child's own layers are kept bit for bit, the base's are
 * swapped. What cannot be proved safe is refused, with every reason.
 *
 * @throws REBASE_NOT_A_CHILD, REBASE_REFUSED (details carry the report)
 */
export async function rebase(request: RebaseRequest, tools: RebaseTools): Promise<RebaseResult> {
  const started = performance.now();
  const { child, oldBase, newBase } = request;
  const own = ownLayers(child, oldBase.image);
  if (own === undefined) throw notAChild(child.digest, oldBase.image.digest);
  const facts = await readFacts(child, tools.layers, { from: oldBase.diffIds.length });
  const { report, files } = await examine(request, facts);
  if (!report.safe) throw refused(child.digest, report);
  const merged = files.size === 0 ? undefined : await writeMergedLayer(files, newBase, child, tools.store);
  const rebased = assembleRebased(child, oldBase.image, newBase.image, own, merged, request.baseName);
  await tools.store.putMany([rebased.configBytes, rebased.manifestBytes]);
  return builtImage(request, own, merged, rebased, report, performance.now() - started);
}

/** The safety report of a rebase, and the files to be merged into a layer of their own; writes nothing. */
async function examine(
  request: RebaseRequest,
  facts: readonly LayerFacts[],
): Promise<{ readonly report: RebaseReport; readonly files: ReadonlyMap<string, string | Uint8Array> }> {
  const { oldBase, newBase } = request;
  const touched = findPathConflicts(
    facts.map((fact) => fact.index),
    oldBase,
    newBase,
  );
  const conflicts: RebaseConflict[] = [...touched.conflicts];
  const files = new Map<string, string | Uint8Array>();
  const ownPackages = new Set<string>();
  const ownStatus = topmostFile(facts, STATUS);
  if (touched.touchesDatabase && ownStatus !== undefined) {
    const merge = mergePackages(oldBase.status, newBase.status, readStatus(ownStatus));
    conflicts.push(...merge.conflicts);
    for (const { name } of merge.own) ownPackages.add(name);
    files.set(STATUS, Buffer.concat(merge.stanzas.flatMap((stanza) => [stanza.toBytes(), Buffer.from('\n')])));
  } else if (touched.touchesDatabase) {
    conflicts.push({ kind: 'package', package: 'status', reason: 'the child deletes or splits the package database' });
  }
  for (const path of touched.toMerge) {
    const owner = packageOfList(path);
    if (owner !== undefined && !ownPackages.has(owner)) {
      // A package the child did not touch: dpkg only dropped vanished folders from its list.
      files.set(path, text(topmostFile(newBase.facts, path)));
      continue;
    }
    const merge = mergeLines(
      path,
      text(topmostFile(oldBase.facts, path)),
      text(topmostFile(newBase.facts, path)),
      text(topmostFile(facts, path)),
    );
    if (merge.kind === 'conflict') conflicts.push({ kind: 'entry', path, key: merge.key });
    else files.set(path, merge.text);
  }
  const libraries = await checkLibraries(
    facts.flatMap((fact) => fact.linked),
    oldBase,
    newBase,
    libraryReader(oldBase, newBase),
  );
  conflicts.push(...libraries.conflicts);
  return {
    report: {
      safe: conflicts.length === 0,
      conflicts,
      overlapping: touched.overlapping,
      merged: [...files.keys()].sort(),
      librariesChecked: libraries.checked,
      packages: packageChanges(oldBase.status, newBase.status),
    },
    files,
  };
}

const text = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? '' : Buffer.from(bytes).toString('utf8');

function libraryReader(oldBase: PreparedBase, newBase: PreparedBase): LibraryReader {
  return {
    async exports(which, path) {
      const base = which === 'old' ? oldBase : newBase;
      const position = base.tree.get(path)?.layer ?? 0;
      const layer = base.image.manifest.layers[position];
      const bytes =
        layer === undefined ? undefined : await readFromLayer(base.image.blobs, layer.digest, layer.mediaType, path);
      if (bytes === undefined) return { soname: undefined, symbols: new Set() };
      const elf = readElf(bytes);
      const symbols = elf.exportedSymbols.map(({ name, version }) =>
        version === undefined ? name : `${name}@${version}`,
      );
      return { soname: elf.soname, symbols: new Set(symbols) };
    },
  };
}

async function readFromLayer(
  blobs: BlobSource,
  digest: Digest,
  mediaType: string,
  path: string,
): Promise<Uint8Array | undefined> {
  const { captured } = await indexLayer(await blobs.open(digest), mediaType, {
    name: digest,
    capture: (header) => header.path === path,
    captureLimit: 512 * 1024 * 1024,
  });
  return captured.get(path);
}

function packageChanges(before: StatusDatabase, after: StatusDatabase): readonly PackageChange[] {
  const key = (pkg: { name: string; architecture: string }): string => `${pkg.name}:${pkg.architecture}`;
  const old = new Map(before.packages.map((pkg) => [key(pkg), pkg]));
  const now = new Map(after.packages.map((pkg) => [key(pkg), pkg]));
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .filter((name) => old.get(name)?.version !== now.get(name)?.version)
    .map((name) => {
      const pkg = (now.get(name) ?? old.get(name)) as { name: string; architecture: string };
      return {
        package: pkg.name,
        architecture: pkg.architecture,
        from: old.get(name)?.version,
        to: now.get(name)?.version,
      };
    });
}

function builtImage(
  request: RebaseRequest,
  own: OwnLayers,
  merged: StoredLayer | undefined,
  rebased: RebasedImage,
  report: RebaseReport,
  milliseconds: number,
): RebaseResult {
  const shared = rebased.manifest.layers.filter((layer) => layer.digest !== merged?.descriptor.digest);
  return {
    strategy: 'rebase',
    reason:
      report.merged.length === 0
        ? `its own ${own.descriptors.length} layers touch nothing the new base changes`
        : `its own layers kept; merged from three sides: ${report.merged.join(', ')}`,
    descriptor: rebased.descriptor,
    manifest: rebased.manifest,
    config: rebased.config,
    baseDigest: request.newBase.image.digest,
    changes: report.packages,
    advisoriesFixed: [],
    statistics: {
      bytesBuilt: merged?.descriptor.size ?? 0,
      bytesShared: shared.reduce((total, layer) => total + layer.size, 0),
      layersBuilt: merged === undefined ? 0 : 1,
      layersShared: shared.length,
      milliseconds,
    },
    report,
  };
}

function notAChild(child: Digest, base: Digest): Error {
  return rebaseError('REBASE_NOT_A_CHILD', `${child} does not start with the layers of ${base}`, {
    hint: 'Name the base it was built on (--from), or rebuild it.',
  });
}

function refused(child: Digest, report: RebaseReport): Error {
  const shown = report.conflicts.slice(0, 5).map(describeConflict);
  const more = report.conflicts.length > shown.length ? `; and ${report.conflicts.length - shown.length} more` : '';
  return rebaseError('REBASE_REFUSED', `${child} cannot be rebased safely: ${shown.join('; ')}${more}`, {
    hint: 'Rebuild it from its recipe or Dockerfile, or patch it.',
    details: { report },
  });
}
