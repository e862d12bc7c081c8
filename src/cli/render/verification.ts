import type { VerifyReport } from '../../registry/index.ts';
import { printable } from './table.ts';
import { bytesText, count } from './words.ts';

/** What is wrong, what lies around, and how much was looked at. */
export function renderVerification(report: VerifyReport): string {
  const findings = report.findings.map((finding) => {
    const where = 'digest' in finding ? `${finding.digest}: ` : '';
    const aside = finding.kind === 'corrupt' && finding.aside !== undefined ? `; put aside as ${finding.aside}` : '';
    return printable(`${finding.kind.padEnd(9)}${where}${finding.message}${aside}`);
  });
  const more = report.found > findings.length ? [`… and ${report.found - findings.length} more`] : [];
  const leftovers = report.leftovers.map(({ kind, path, size }) =>
    printable(`${kind.padEnd(9)}${path} (${bytesText(size)})`),
  );
  const skipped = report.skipped === 0 ? '' : `, ${report.skipped} left out`;
  const summary = [
    `${count(report.hashed.blobs, 'blob')} (${bytesText(report.hashed.bytes)}) hashed${skipped}`,
    `${count(report.manifests, 'manifest')} checked in ${(report.milliseconds / 1_000).toFixed(1)} s`,
    report.found === 0 ? 'nothing wrong' : count(report.found, 'finding'),
  ].join(', ');
  return [[...findings, ...more].join('\n'), leftovers.join('\n'), summary].filter((text) => text !== '').join('\n\n');
}
