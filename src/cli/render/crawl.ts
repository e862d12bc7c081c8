import type { CrawlReport } from '../../crawl/index.ts';
import { renderTable } from './table.ts';

export function renderCrawl(reports: readonly CrawlReport[]): string {
  const count = (member: 'listed' | 'unchanged' | 'known' | 'read' | 'ended' | 'skipped') => ({
    title: member.toUpperCase(),
    value: (report: CrawlReport) => String(report[member]),
    align: 'right' as const,
  });
  const sources = renderTable(reports, [
    { title: 'SOURCE', value: ({ source }) => source },
    ...(['listed', 'unchanged', 'known', 'read', 'ended', 'skipped'] as const).map(count),
    { title: 'FAILED', value: ({ failures }) => String(failures.length), align: 'right' },
  ]);
  const failures = reports.flatMap((report) => report.failures);
  if (failures.length === 0) return sources;
  const rows = renderTable(failures, [
    { title: 'NOT READ', value: ({ reference }) => reference },
    { title: 'CODE', value: ({ code }) => code },
    { title: 'WHY', value: ({ message }) => message },
  ]);
  return `${sources}\n\n${rows}`;
}
