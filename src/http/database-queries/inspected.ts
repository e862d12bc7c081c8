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

export function diffOf(from: string, before: ImageContents, to: string, after: ImageContents): Diff {
  const { packages, files, config, sharedLayers, identical } = diffImages(before, after, { maxPaths: 0 });
  return {
    from,
    to,
    identical,
    sharedLayers,
    packages: [
      ...packages.removed.map(({ name, architecture, version }) => ({
        package: name,
        arch: architecture,
        from: version,
        to: null,
      })),
      ...[...packages.upgraded, ...packages.downgraded].map((move) => ({
        package: move.name,
        arch: move.architecture,
        from: move.from,
        to: move.to,
      })),
      ...packages.added.map(({ name, architecture, version }) => ({
        package: name,
        arch: architecture,
        from: null,
        to: version,
      })),
    ],
    files: files?.totals ?? null,
    config: config.map(({ key, from: old, to: now }) => ({ field: key, from: textOf(old), to: textOf(now) })),
  };
}
