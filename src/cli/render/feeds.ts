import type { ImportedFeed, ImportResult } from '../../feed/advisory-feeds/index.ts';
import type { ExportedBundle, ImportedBundle } from '../../feed/bundle/index.ts';
import { printable, renderTable } from './table.ts';
import { ageText, bytesText, count } from './words.ts';

export function feedJson(feed: ImportedFeed): object {
  const { location, types, distribution, digest, bytes, imported, advisories, packages, problems } = feed;
  return {
    location,
    types,
    distribution: distribution === '' ? null : distribution,
    digest: `sha256:${digest}`,
    bytes,
    imported,
    advisories,
    packages,
    problems,
  };
}

export function renderFeeds(feeds: readonly ImportedFeed[], now: number): string {
  if (feeds.length === 0) return 'No advisories were imported.';
  return renderTable(feeds, [
    { title: 'LOCATION', value: (feed) => printable(feed.location) },
    { title: 'TYPE', value: (feed) => feed.types.join(', ') },
    { title: 'ADVISORIES', value: (feed) => String(feed.advisories), align: 'right' },
    { title: 'PACKAGES', value: (feed) => String(feed.packages), align: 'right' },
    { title: 'PROBLEMS', value: (feed) => String(feed.problems), align: 'right' },
    { title: 'AGE', value: (feed) => ageText(feed.imported, now), align: 'right' },
  ]);
}

export function renderImport({ kind, feed }: ImportResult): string {
  const name = printable(feed.location);
  if (kind === 'unchanged') return `${name}: unchanged since ${feed.imported.slice(0, 10)}`;
  const skipped = feed.problems === 0 ? '' : `, ${count(feed.problems, 'part')} passed over`;
  return `${name}: ${feed.advisories} ${feed.advisories === 1 ? 'advisory' : 'advisories'} (${feed.types.join(', ')}) on ${count(feed.packages, 'package')}${skipped}`;
}

export function renderExport(path: string, exported: ExportedBundle): string {
  const { repositories, packages, feeds, bytes, date } = exported;
  const content = [
    repositories.length === 1 ? '1 repository' : `${repositories.length} repositories`,
    count(packages, 'package'),
    count(feeds, 'feed'),
  ];
  return `${printable(path)}: ${content.join(', ')}, ${bytesText(bytes)}, as of ${date.slice(0, 10)}`;
}

export function renderBundle(path: string, imported: ImportedBundle): string {
  const { repositories, older, packages, feeds, date } = imported;
  const kept = older === 0 ? '' : `; ${older} not taken, this home knows newer ones`;
  const states = repositories === 1 ? '1 repository' : `${repositories} repositories`;
  return `${printable(path)}: ${states}, ${count(packages, 'package')}, ${count(feeds, 'feed')}, as of ${date.slice(0, 10)}${kept}`;
}
