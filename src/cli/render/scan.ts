import { type InstalledPackage, lastDayOfSupport } from '../../distro/index.ts';
import type { ImageBase } from '../../http/index.ts';
import type { ImageContents } from '../../inventory/index.ts';
import { usageOfFiles, usageOfPackage } from '../../inventory/usage/index.ts';
import { baseLine } from './base.ts';
import { languageTable } from './language-packages.ts';
import { printable, renderTable } from './table.ts';
import { usageJson, usedColumn } from './used.ts';
import { bytesText, count } from './words.ts';

export interface ScanView {
  readonly reference: string;
  readonly contents: ImageContents;
  /** Which packages `contents` was narrowed to; the other ones are not counted either. */
  readonly shown?: 'os' | 'language' | 'all';
  readonly base?: ImageBase['base'];
}

/** Packages as a table under a short head; what could not be read stands below it. */
export function renderScan({ reference, contents, shown = 'all', base }: ScanView): string {
  const lines = [`${printable(reference)}  ${contents.digest ?? ''}`.trimEnd(), printable(systemLine(contents, shown))];
  lines.push(...supportLines(contents));
  if (contents.layers.length > 0) {
    const bytes = contents.layers.reduce((sum, layer) => sum + layer.compressedBytes, 0);
    lines.push(`${count(contents.layers.length, 'layer')}, ${bytesText(bytes)} compressed`);
  }
  if (base !== undefined) lines.push(baseLine(base));
  const table = renderTable(contents.packages, [
    { title: 'PACKAGE', value: (item) => item.name },
    { title: 'VERSION', value: (item) => item.version },
    { title: 'ARCH', value: (item) => item.architecture },
    ...usedColumn(
      contents.packages,
      (item: InstalledPackage) => usageOfPackage(contents.usage, item.name),
      contents.packageDatabase === 'sbom',
    ),
    { title: 'SOURCE', value: (item) => (item.source.name === item.name ? '' : item.source.name) },
  ]);
  const packages = contents.packages.length === 0 ? [] : ['', table];
  return [...lines, ...packages, ...languageTable(contents.languagePackages), ...incompleteLines(contents)].join('\n');
}

/** Said without asking any repository: whether anybody still promises updates. */
function supportLines({ distribution }: ImageContents): readonly string[] {
  const day = distribution === undefined ? undefined : lastDayOfSupport(distribution.name);
  if (distribution === undefined || day === undefined || Date.parse(`${day}T23:59:59Z`) >= Date.now()) return [];
  return [`grade F: ${distribution.name} has had no support since ${day}`];
}

function systemLine(contents: ImageContents, shown: NonNullable<ScanView['shown']>): string {
  const system = contents.distribution?.prettyName ?? 'unknown distribution';
  const own = contents.languagePackages.filter((item) => item.owner === undefined).length;
  const counts = [
    ...(shown === 'language' ? [] : [packagesText(contents)]),
    ...(shown === 'os' || (shown === 'all' && own === 0) ? [] : [`${count(own, 'package')} of languages`]),
  ];
  return `${system}${contents.architecture === '' ? '' : `, ${contents.architecture}`}: ${counts.join(', ')}`;
}

function packagesText({ packageDatabase, packages }: ImageContents): string {
  return packageDatabase === 'none' ? 'no package database' : count(packages.length, 'package');
}

export function incompleteLines(contents: Pick<ImageContents, 'incomplete'>): readonly string[] {
  if (contents.incomplete.length === 0) return [];
  return ['', 'Incomplete:', ...contents.incomplete.map((part) => `  ${printable(`${part.path}: ${part.reason}`)}`)];
}

/** What `scan --format json` prints. */
export function scanJson({ reference, contents, base }: ScanView): object {
  const isDocument = contents.packageDatabase === 'sbom';
  return {
    reference,
    digest: contents.digest ?? null,
    distribution: contents.distribution ?? null,
    ...(contents.distribution === undefined
      ? {}
      : { endOfSupport: lastDayOfSupport(contents.distribution.name) ?? null }),
    ...(base === undefined ? {} : { base }),
    architecture: contents.architecture,
    packageDatabase: contents.packageDatabase,
    packages: contents.packages.map(({ name, version, architecture, source, hold, configured }) => ({
      name,
      version,
      architecture,
      source,
      ...(hold ? { hold } : {}),
      ...(configured ? {} : { configured }),
      ...usageJson(usageOfPackage(contents.usage, name), isDocument),
    })),
    languagePackages: contents.languagePackages.map(({ owner, dev, ...item }) => ({
      ...item,
      ...(dev ? { dev } : {}),
      ...(owner === undefined ? {} : { owner }),
      ...usageJson(
        usageOfFiles(
          contents.usage,
          item.locations.map(({ path }) => path),
        ),
        isDocument,
      ),
    })),
    layers: contents.layers.map(({ packages, ...layer }) => ({
      ...layer,
      packages: { added: packages.added.length, changed: packages.changed.length, removed: packages.removed.length },
    })),
    incomplete: contents.incomplete,
  };
}
