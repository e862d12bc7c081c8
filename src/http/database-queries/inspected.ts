import { diffImages, type ImageContents, layerReport } from '../../inventory/index.ts';
import type { Diff, Layers } from '../contract.ts';

const textOf = (value: unknown): string | null =>
  value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value);

export function layersOf(reference: string, contents: ImageContents): Layers {
  const { layers, ...sums } = layerReport(contents);
  return {
    reference,
    digest: contents.digest ?? null,
    ...sums,
    layers: layers.map(({ digest, compressedBytes, bytes, entries, wastedBytes, createdBy, packages }) => ({
      digest,
      compressedBytes,
      bytes,
      entries,
      wastedBytes,
      createdBy: createdBy ?? null,
      added: packages.added.length,
      changed: packages.changed.length,
      removed: packages.removed.length,
    })),
  };
}

interface Moves<Ref, Move> {
  readonly added: readonly Ref[];
  readonly removed: readonly Ref[];
  readonly upgraded: readonly Move[];
  readonly downgraded: readonly Move[];
}

/** What went, what changed and what came, in this order. */
function movesOf<Ref extends { readonly version: string }, Move extends { readonly from: string; readonly to: string }>(
  diff: Moves<Ref, Move>,
): readonly { readonly item: Ref | Move; readonly from: string | null; readonly to: string | null }[] {
  return [
    ...diff.removed.map((item) => ({ item, from: item.version, to: null })),
    ...[...diff.upgraded, ...diff.downgraded].map((item) => ({ item, from: item.from, to: item.to })),
    ...diff.added.map((item) => ({ item, from: null, to: item.version })),
  ];
}

export function diffOf(from: string, before: ImageContents, to: string, after: ImageContents): Diff {
  const diff = diffImages(before, after, { maxPaths: 0 });
  const { files, config, sharedLayers, identical } = diff;
  const moves = movesOf(diff.packages);
  // A distribution's packages may change format where the images have little in common.
  const type = (move: { readonly to: string | null }): string =>
    (move.to === null ? before.ecosystem : after.ecosystem) ?? 'deb';
  return {
    from,
    to,
    identical,
    sharedLayers,
    packages: [
      ...moves.map(({ item, ...move }) => ({ package: item.name, type: type(move), arch: item.architecture, ...move })),
      ...movesOf(diff.languagePackages).map(({ item, ...move }) => {
        return { package: item.name, type: item.ecosystem, arch: '', ...move };
      }),
    ],
    files: files?.totals ?? null,
    config: config.map(({ key, from: old, to: now }) => ({ field: key, from: textOf(old), to: textOf(now) })),
  };
}
