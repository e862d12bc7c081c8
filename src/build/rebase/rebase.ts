import type { Digest } from '../../oci/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { LayerFactsReader } from '../layers/layer-facts.ts';
import { readFacts } from '../layers/read-facts.ts';
import type { StoredLayer } from '../layers/store-layer.ts';
import type { BuiltImage } from '../types.ts';
import { assembleRebased, type RebasedImage } from './assemble.ts';
import { basePair } from './base-pair.ts';
import { rebaseError } from './errors.ts';
import { examine } from './examine.ts';
import { writeMergedLayer } from './merged-layer.ts';
import { copiedLayers } from './origin.ts';
import { ownChanges } from './own-changes.ts';
import { rebaseAnnotations, rebasePredicate } from './predicate.ts';
import { adviceFor, describeConflict, type RebaseReport } from './report.ts';
import type { RebaseRequest } from './request.ts';
import { type OwnLayers, ownLayers } from './split.ts';

export interface RebaseTools {
  readonly store: BlobStore;
  readonly layers: LayerFactsReader;
}

export interface RebaseResult extends BuiltImage {
  readonly report: RebaseReport;
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
  const changes = ownChanges(facts.map((fact) => fact.index));
  const copied = copiedLayers(own.history, own.descriptors.length);
  const { report, items } = await examine(request, basePair(oldBase, newBase), changes, facts, copied);
  if (!report.safe) throw refused(child.digest, report);
  const merged = items.length === 0 ? undefined : await writeMergedLayer(items, newBase, changes, child, tools.store);
  const rebased = assembleRebased(
    child,
    oldBase.image,
    newBase.image,
    own,
    merged,
    request.baseName,
    rebaseAnnotations(report),
  );
  await tools.store.putMany([rebased.configBytes, rebased.manifestBytes]);
  return builtImage(request, own, merged, rebased, report, performance.now() - started);
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
      report.merged.length + report.restored.length === 0
        ? `its own ${own.descriptors.length} layers touch nothing the new base changes`
        : `its own layers kept; merged from three sides: ${shortList([...report.merged, ...report.restored])}`,
    descriptor: rebased.descriptor,
    manifest: rebased.manifest,
    config: rebased.config,
    baseDigest: request.newBase.image.digest,
    changes: report.packages,
    advisoriesFixed: [],
    predicates: [rebasePredicate(request, report)],
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
    hint: adviceFor(report.conflicts),
    details: { report },
  });
}

/** Paths that a sentence names; the report has all. */
const SHOWN = 8;

function shortList(paths: readonly string[]): string {
  const more = paths.length - SHOWN;
  return more > 0 ? `${paths.slice(0, SHOWN).join(', ')} and ${more} more` : paths.join(', ');
}
