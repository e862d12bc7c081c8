import type { UnsupportedPackage } from '../../distro/index.ts';
import type { Finding, Grade } from '../../inventory/index.ts';
import { type Colours, coloursFor } from './colours.ts';
import { printable, renderTable } from './table.ts';
import { placeText, usageJson, usedColumn } from './used.ts';
import { ageText, count, shortDigest } from './words.ts';

export interface OutdatedView {
  readonly reference: string;
  readonly digest: string | undefined;
  readonly distribution: string | undefined;
  readonly status: 'checked' | 'unsupported' | 'unchecked';
  /** Why nothing can be said; '' when checked. */
  readonly reason: string;
  readonly findings: readonly Finding[];
  readonly grade: Grade | undefined;
  readonly dropsAt: string | undefined;
  /** The day on which the distribution's support ended or will. */
  readonly endOfSupport?: string | undefined;
  /** It is an SBOM: what of it is used nobody can know. */
  readonly isDocument?: boolean;
  /** Packages that the distribution itself no longer keeps secure. */
  readonly unsupportedPackages?: readonly UnsupportedPackage[];
}

const MAX_ADVISORIES = 3;

/** A head and a table for each image, worst findings first. */
export function renderOutdated(
  images: readonly OutdatedView[],
  options: { readonly now: number; readonly colour: boolean },
): string {
  const colours = coloursFor(options.colour);
  return images.map((image) => renderImage(image, options.now, colours)).join('\n\n');
}

function renderImage(image: OutdatedView, now: number, colours: Colours): string {
  const digest = image.digest === undefined ? '' : `  ${shortDigest(image.digest)}`;
  const head = `${printable(image.reference)}${digest}  ${image.distribution ?? 'unknown distribution'}`;
  if (image.status !== 'checked') return `${head}\n${colours.yellow(`${image.status}: ${printable(image.reason)}`)}`;
  const security = image.findings.filter((finding) => finding.security).length;
  const drops = image.dropsAt === undefined ? '' : `, drops on ${image.dropsAt.slice(0, 10)}`;
  const summary = `grade ${image.grade ?? '?'}${drops}: ${count(image.findings.length, 'update')}, ${security} for security`;
  const below = [...endOfSupportLines(image, now), ...unsupportedLines(image)].map((line) => colours.yellow(line));
  if (image.findings.length === 0)
    return [head, `grade ${image.grade ?? '?'}${drops}: up to date`, ...below].join('\n');
  const table = renderTable(image.findings, [
    { title: 'PACKAGE', value: (row) => row.package },
    { title: 'ARCH', value: (row) => row.arch },
    { title: 'INSTALLED', value: (row) => row.installed },
    { title: 'CANDIDATE', value: (row) => row.candidate },
    {
      title: 'SEVERITY',
      value: (row) => (row.security ? `${row.severity}, security` : row.severity),
      paint: (text, row) =>
        row.severity === 'critical' ? colours.red(text) : row.security ? colours.yellow(text) : text,
    },
    ...usedColumn(image.findings, (row) => row, image.isDocument),
    { title: 'AGE', value: (row) => ageText(row.since, now), align: 'right' },
    { title: 'ADVISORIES', value: (row) => advisoriesText(row) },
  ]);
  const notes = notAffectedLines(image.findings);
  const loaded = loadedLines(image.findings);
  return [
    head,
    summary,
    table,
    ...below,
    ...(loaded.length === 0 ? [] : ['', 'Loaded now:', ...loaded]),
    ...(notes.length === 0 ? [] : ['', 'Said to be no issue here:', ...notes]),
  ].join('\n');
}

/** Those that are an issue here, first; a score stands for the worst of them. */
function advisoriesText({ advisories, notAffected = [], score }: Finding): string {
  const cleared = new Set(notAffected.map(({ id }) => id));
  const open = advisories.filter((id) => !cleared.has(id));
  const more = open.length - MAX_ADVISORIES;
  const texts = [
    open.slice(0, MAX_ADVISORIES).join(' '),
    more > 0 ? `and ${more} more` : '',
    score === undefined || open.length === 0 ? '' : `(CVSS ${score.toFixed(1)})`,
    cleared.size === 0 ? '' : `[${cleared.size} not affected]`,
  ];
  return texts.filter((text) => text !== '').join(' ');
}

function endOfSupportLines({ endOfSupport, distribution }: OutdatedView, now: number): readonly string[] {
  if (endOfSupport === undefined || Date.parse(`${endOfSupport}T23:59:59Z`) >= now) return [];
  return [`unsupported: ${distribution} has had no support since ${endOfSupport}`];
}

/** One line a source package: what is given up is given up as a whole. */
function unsupportedLines({ unsupportedPackages = [] }: OutdatedView): readonly string[] {
  const groups = [...Map.groupBy(unsupportedPackages, ({ source, support }) => `${source} ${support}`).values()];
  return groups.map((group) => {
    const { source, support, date, note } = group[0] as UnsupportedPackage;
    const names = group.map((item) => item.package).join(', ');
    const kind = support === 'ended' ? 'no security support' : 'limited security support';
    const since = date === undefined ? '' : ` since ${date}`;
    const of = names === source ? source : `${source} (${names})`;
    return printable(`unsupported: ${of} has ${kind}${since}${note === '' ? '' : `: ${note}`}`);
  });
}

/** One line a container: what it runs that is outdated. */
function loadedLines(findings: readonly Finding[]): readonly string[] {
  const rows = findings.flatMap(({ package: name, loadedIn = [] }) => loadedIn.map((place) => ({ name, place })));
  const containers = [...Map.groupBy(rows, ({ place }) => `${place.host} ${place.container}`).values()];
  return containers.map((group) => {
    const restartDue = group.some(({ place }) => place.restartDue);
    const { place } = group[0] as (typeof group)[number];
    const names = group.map((row) => `${row.name}${row.place.version === null ? ' (?)' : ''}`).join(' ');
    return printable(`  ${placeText({ ...place, restartDue })}: ${names}`);
  });
}

/** One line an id: why it is no issue, in its author's words. */
function notAffectedLines(findings: readonly Finding[]): readonly string[] {
  const lines = findings.flatMap(({ package: name, notAffected = [] }) =>
    notAffected.map(({ id, justification, statement }) => {
      const why = [justification, statement].filter((text) => text !== '').join(': ');
      return printable(`  ${id} ${name}: ${why === '' ? 'no reason given' : why}`);
    }),
  );
  return [...new Set(lines)];
}

/** One of `{"images":[{reference, digest, distribution, findings: […]}]}`, a shape others rely on; with status and grade. */
export function outdatedJson(image: OutdatedView): object {
  return {
    reference: image.reference,
    digest: image.digest ?? null,
    distribution: image.distribution ?? null,
    status: image.status,
    ...(image.reason === '' ? {} : { reason: image.reason }),
    grade: image.grade ?? null,
    dropsAt: image.dropsAt ?? null,
    ...(image.endOfSupport === undefined ? {} : { endOfSupport: image.endOfSupport }),
    ...(image.unsupportedPackages === undefined
      ? {}
      : { unsupportedPackages: image.unsupportedPackages.map((item) => ({ kind: 'unsupported', ...item })) }),
    findings: image.findings.map((finding) => ({
      package: finding.package,
      arch: finding.arch,
      installed: finding.installed,
      candidate: finding.candidate,
      repository: finding.repository,
      security: finding.security,
      severity: finding.severity,
      advisories: finding.advisories,
      since: finding.since,
      ...usageJson(finding, image.isDocument),
      ...(finding.score === undefined ? {} : { score: finding.score }),
      ...(finding.notAffected === undefined ? {} : { notAffected: finding.notAffected }),
    })),
  };
}
