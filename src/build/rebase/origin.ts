import type { HistoryEntry } from '../../oci/index.ts';

/** Instructions whose files come from outside the base: the build context, or another stage. */
const COPIES = /^(?:\/bin\/sh -c #\(nop\) +)?(?:COPY|ADD)\b/;
const INSTRUCTION =
  /^(?:\/bin\/sh -c #\(nop\) +)?(?:FROM|CMD|ENTRYPOINT|ENV|LABEL|EXPOSE|VOLUME|USER|WORKDIR|ARG|STOPSIGNAL|HEALTHCHECK|SHELL|ONBUILD|MAINTAINER|COPY|ADD)\b/;

/**
 * Which of a child's own layers hold nothing but copied files, as the build's history says: what is in them does not
 * depend on the base. Where steps were squashed into one layer, or history and layers do not fit, none is believed to.
 *
 * @returns positions among the child's own layers
 */
export function copiedLayers(history: readonly HistoryEntry[], layers: number): ReadonlySet<number> {
  const filled = history.filter((entry) => entry.empty_layer !== true);
  // A squashed build keeps the steps it ran as entries without a layer.
  const squashed = history.some((entry) => entry.empty_layer === true && !INSTRUCTION.test(entry.created_by ?? ''));
  const copiesHidden = history.some((entry) => entry.empty_layer === true && COPIES.test(entry.created_by ?? ''));
  if (filled.length !== layers || squashed || copiesHidden) return new Set();
  return new Set(filled.flatMap((entry, at) => (COPIES.test(entry.created_by ?? '') ? [at] : [])));
}
