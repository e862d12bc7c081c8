import type { ImageContents } from '../../inventory/index.ts';
import { printable, renderTable } from './table.ts';
import { bytesText, count } from './words.ts';

export interface ScanView {
  readonly reference: string;
  readonly contents: ImageContents;
}

/** Packages as a table under a short head; what could not be read stands below it. */
export function renderScan({ reference, contents }: ScanView): string {
  const lines = [`${printable(reference)}  ${contents.digest ?? ''}`.trimEnd(), printable(systemLine(contents))];
  if (contents.layers.length > 0) {
    const bytes = contents.layers.reduce((sum, layer) => sum + layer.compressedBytes, 0);
    lines.push(`${count(contents.layers.length, 'layer')}, ${bytesText(bytes)} compressed`);
  }
  const table = renderTable(contents.packages, [
    { title: 'PACKAGE', value: (item) => item.name },
    { title: 'VERSION', value: (item) => item.version },
    { title: 'ARCH', value: (item) => item.architecture },
    { title: 'SOURCE', value: (item) => (item.source.name === item.name ? '' : item.source.name) },
  ]);
  const packages = contents.packages.length === 0 ? [] : ['', table];
  return [...lines, ...packages, ...incompleteLines(contents)].join('\n');
}

function systemLine(contents: ImageContents): string {
  const system = contents.distribution?.prettyName ?? 'unknown distribution';
  const architecture = contents.architecture === '' ? '' : `, ${contents.architecture}`;
  if (contents.packageDatabase === 'none') return `${system}${architecture}: no package database`;
  return `${system}${architecture}: ${count(contents.packages.length, 'package')}`;
}

export function incompleteLines(contents: Pick<ImageContents, 'incomplete'>): readonly string[] {
  if (contents.incomplete.length === 0) return [];
  return ['', 'Incomplete:', ...contents.incomplete.map((part) => `  ${printable(`${part.path}: ${part.reason}`)}`)];
}

/** What `scan --format json` prints. */
export function scanJson({ reference, contents }: ScanView): object {
  return {
    reference,
    digest: contents.digest ?? null,
    distribution: contents.distribution ?? null,
    architecture: contents.architecture,
    packageDatabase: contents.packageDatabase,
    packages: contents.packages.map(({ name, version, architecture, source, hold, configured }) => ({
      name,
      version,
      architecture,
      source,
      ...(hold ? { hold } : {}),
      ...(configured ? {} : { configured }),
    })),
    layers: contents.layers.map(({ packages, ...layer }) => ({
      ...layer,
      packages: { added: packages.added.length, changed: packages.changed.length, removed: packages.removed.length },
    })),
    incomplete: contents.incomplete,
  };
}
