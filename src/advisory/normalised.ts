import { cleanAliases, cleanDate, cleanId, cleanName, cleanSeverity, cleanText, cleanUrls } from './clean.ts';
import { cleanScore } from './cvss.ts';
import { type Json, listOf, record, recordsOf, textOf } from './json-document.ts';
import { readLines } from './json-members.ts';
import { invalid } from './limits.ts';
import type { Advisory, AdvisoryStatus, AffectedPackage, Bytes } from './types.ts';

/** One advisory as a line of our own form; `readNormalised` reads it back. */
export function normalisedLine(advisory: Advisory): string {
  return `${JSON.stringify(advisory)}\n`;
}

const STATUSES: ReadonlySet<string> = new Set(['affected', 'fixed', 'not_affected', 'under_investigation']);
const KINDS: ReadonlySet<string> = new Set(['source', 'binary', 'any']);

/** Reads what `normalisedLine` wrote: every field is judged again. @throws ADVISORY_INVALID, ADVISORY_LIMIT */
export async function* readNormalised(bytes: Bytes, what: string): AsyncGenerator<Advisory, void> {
  for await (const value of readLines(bytes, what)) {
    const line = record(value);
    const id = cleanId(line?.id);
    if (line === undefined || id === undefined) throw invalid(what, 'holds a line that is no advisory');
    yield {
      id,
      aliases: cleanAliases(listOf(line.aliases), id),
      severity: cleanSeverity(line.severity),
      score: cleanScore(line.score),
      summary: cleanText(line.summary),
      published: cleanDate(line.published),
      modified: cleanDate(line.modified),
      withdrawn: cleanDate(line.withdrawn),
      urls: cleanUrls(listOf(line.urls)),
      affected: recordsOf(line.affected).map((item) => affectedOf(item, what)),
    };
  }
}

function affectedOf(item: Json, what: string): AffectedPackage {
  const { ecosystem, kind, name, status } = item;
  if (
    typeof ecosystem !== 'string' ||
    typeof name !== 'string' ||
    !KINDS.has(String(kind)) ||
    !STATUSES.has(String(status))
  ) {
    throw invalid(what, 'holds a package without ecosystem, kind, name or status');
  }
  const versions = listOf(item.versions).flatMap((version) => cleanName(version) ?? []);
  const known = {
    introduced: cleanName(item.introduced),
    fixed: cleanName(item.fixed),
    lastAffected: cleanName(item.lastAffected),
    versions: versions.length === 0 ? undefined : versions,
    justification: cleanId(item.justification),
    statement: cleanText(item.statement) || undefined,
    product: textOf(item.product)?.slice(0, 2_048),
    severity: cleanSeverity(item.severity),
  };
  const present = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
  return {
    ecosystem: cleanName(ecosystem) ?? '',
    kind: kind as AffectedPackage['kind'],
    name: cleanName(name) ?? '',
    status: status as AdvisoryStatus,
    ...present,
  };
}
