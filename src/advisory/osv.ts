import { cleanAliases, cleanDate, cleanId, cleanName, cleanSeverity, cleanText, cleanUrls, isCve } from './clean.ts';
import { cvss3Score, severityOfScore } from './cvss.ts';
import { ecosystemOfOsv } from './ecosystem.ts';
import { type Json, listOf, record, recordOr, recordsOf, textOf } from './json-document.ts';
import { readLines, readMembers } from './json-members.ts';
import { MAX_AFFECTED, overLimit } from './limits.ts';
import type { Advisory, AdvisorySeverity, AffectedPackage, Bytes, ReadOptions } from './types.ts';

/**
 * OSV (https://ossf.github.io/osv-schema/): one document, or a list of them, as a stream of lines (`lines`), or as
 * single files of a dump.
 */
export async function* readOsv(
  bytes: Bytes,
  options: ReadOptions,
  form: 'document' | 'list' | 'lines',
): AsyncGenerator<Advisory, void> {
  if (form === 'document') {
    const members: [string, unknown][] = [];
    for await (const { key, value } of readMembers(bytes, options.what)) members.push([key, value]);
    yield* one(Object.fromEntries(members), options);
    return;
  }
  if (form === 'list') for await (const { value } of readMembers(bytes, options.what)) yield* one(value, options);
  else for await (const value of readLines(bytes, options.what)) yield* one(value, options);
}

function* one(value: unknown, options: ReadOptions): Generator<Advisory, void> {
  const document = record(value);
  const id = cleanId(document?.id);
  if (document === undefined || id === undefined) {
    options.onProblem?.('an OSV entry without an id');
    return;
  }
  const { severity, score } = severityOf(document);
  const affected = recordsOf(document.affected).flatMap(affectedOf);
  if (affected.length > MAX_AFFECTED) throw overLimit(options.what, `packages of ${id}`, MAX_AFFECTED);
  yield {
    id,
    // `related` names other issues of similar kind, not this one. Distributions' advisories name what they fix in
    // `upstream` (since 1.7), older ones in `related`: for those alone it means the fixed CVE ids.
    aliases: cleanAliases(
      [
        ...listOf(document.aliases),
        ...listOf(document.upstream),
        ...(isVendors(id) ? listOf(document.related).filter(isCveText) : []),
      ],
      id,
    ),
    severity,
    score,
    summary: cleanText(document.summary ?? document.details),
    published: cleanDate(document.published),
    modified: cleanDate(document.modified),
    withdrawn: cleanDate(document.withdrawn),
    urls: cleanUrls(recordsOf(document.references).map((reference) => reference.url)),
    affected,
  };
}

const isCveText = (value: unknown): boolean => typeof value === 'string' && isCve(value);
const isVendors = (id: string): boolean => /^(?:DSA|DLA|DTSA|USN|RHSA|RLSA|ALSA|SUSE-SU|openSUSE-SU|ELSA)-/.test(id);

function severityOf(entry: Json): { severity: AdvisorySeverity | undefined; score: number | undefined } {
  const ratings = recordsOf(entry.severity);
  const scores = ratings.flatMap((rating) => cvss3Score(textOf(rating.score) ?? '') ?? []);
  const score = scores.length === 0 ? undefined : Math.max(...scores);
  const specific = [recordOr(entry.database_specific), recordOr(entry.ecosystem_specific)];
  // A vendor's own word knows the package better than the vector of the flaw does.
  const words = [
    ...ratings.filter((rating) => !(textOf(rating.type) ?? '').startsWith('CVSS')).map((rating) => rating.score),
    ...specific.flatMap((more) => [more.severity, more.urgency]),
  ];
  const word = words.flatMap((text) => cleanSeverity(text) ?? [])[0];
  return { severity: word ?? (score === undefined ? undefined : severityOfScore(score)), score };
}

function affectedOf(entry: Json): readonly AffectedPackage[] {
  const pkg = recordOr(entry.package);
  const ecosystem = ecosystemOfOsv(textOf(pkg.ecosystem) ?? '');
  const name = cleanName(pkg.name);
  if (ecosystem === undefined || name === undefined) return [];
  const { severity } = severityOf(entry);
  const shared = {
    ecosystem,
    kind: kindOf(ecosystem),
    name,
    ...(severity === undefined ? {} : { severity }),
  } as const;
  const ranges = recordsOf(entry.ranges)
    .filter((range) => range.type !== 'GIT')
    .flatMap((range) => rangesOf(recordsOf(range.events)));
  const versions = listOf(entry.versions).flatMap((version) => cleanName(version) ?? []);
  // Enumerated versions repeat the range where there is one.
  if (ranges.length > 0)
    return ranges.map((range) => ({ ...shared, status: range.fixed === undefined ? 'affected' : 'fixed', ...range }));
  return versions.length === 0 ? [] : [{ ...shared, status: 'affected', versions }];
}

/** Debian, Ubuntu and Alpine name source packages; the rpm distributions what their repositories list. */
function kindOf(ecosystem: string): AffectedPackage['kind'] {
  return /^(?:debian|ubuntu|alpine|wolfi|chainguard)\//.test(ecosystem) ? 'source' : 'any';
}

type Range = Pick<AffectedPackage, 'introduced' | 'fixed' | 'lastAffected'>;

/** Events in order make ranges: each `introduced` opens one, `fixed` or `last_affected` closes it. */
function rangesOf(events: readonly Json[]): readonly Range[] {
  const ranges: Range[] = [];
  let open: { introduced?: string } | undefined;
  for (const event of events) {
    const introduced = cleanName(event.introduced);
    if (introduced !== undefined) {
      if (open !== undefined) ranges.push(open);
      open = introduced === '0' ? {} : { introduced };
      continue;
    }
    const fixed = cleanName(event.fixed);
    const lastAffected = cleanName(event.last_affected);
    if (open === undefined || (fixed === undefined && lastAffected === undefined)) continue;
    ranges.push({
      ...open,
      ...(fixed === undefined ? (lastAffected === undefined ? {} : { lastAffected }) : { fixed }),
    });
    open = undefined;
  }
  if (open !== undefined) ranges.push(open);
  return ranges;
}
