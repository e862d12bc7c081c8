import { cleanAliases, cleanId, cleanName, cleanSeverity, cleanText } from './clean.ts';
import { record, recordOr, textOf } from './json-document.ts';
import { readMembers } from './json-members.ts';
import type { Advisory, AffectedPackage, Bytes, ReadOptions } from './types.ts';

const TRACKER = 'https://security-tracker.debian.org/tracker/';

/** Tags of the tracker that say a release will not see a fix: worth telling, no reason to be silent. */
const NO_FIX: Readonly<Record<string, string>> = { ignored: 'ignored', postponed: 'postponed' };

/**
 * The security tracker's JSON (https://security-tracker.debian.org/tracker/data/json): source package → CVE → release.
 * 70 MB in one object: read package by package.
 */
export async function* readDebianTracker(bytes: Bytes, options: ReadOptions): AsyncGenerator<Advisory, void> {
  for await (const { key, value } of readMembers(bytes, options.what)) {
    const name = cleanName(key);
    const issues = record(value);
    if (name === undefined || issues === undefined) {
      options.onProblem?.(`${JSON.stringify(key.slice(0, 80))} is no source package with issues`);
      continue;
    }
    for (const [issue, facts] of Object.entries(issues)) {
      const advisory = issueOf(name, issue, facts);
      if (advisory === undefined) options.onProblem?.(`${name}: ${JSON.stringify(issue.slice(0, 80))} says nothing`);
      else yield advisory;
    }
  }
}

function issueOf(name: string, issue: string, value: unknown): Advisory | undefined {
  const id = cleanId(issue);
  const facts = record(value);
  const releases = record(facts?.releases);
  if (id === undefined || facts === undefined || releases === undefined) return undefined;
  const affected = Object.entries(releases).flatMap(
    ([release, state]) => affectedOf(name, release, recordOr(state)) ?? [],
  );
  return {
    id,
    aliases: cleanAliases([], id),
    // Urgency is a release's: the package may be built differently in each.
    severity: undefined,
    score: undefined,
    summary: cleanText(facts.description),
    published: undefined,
    modified: undefined,
    withdrawn: undefined,
    urls: [`${TRACKER}${encodeURIComponent(id)}`],
    affected,
  };
}

function affectedOf(
  name: string,
  release: string,
  state: Readonly<Record<string, unknown>>,
): AffectedPackage | undefined {
  if (!/^[a-z]{2,32}$/.test(release)) return undefined;
  const urgency = textOf(state.urgency);
  const severity = cleanSeverity(urgency);
  const shared = {
    ecosystem: `debian/${release}`,
    kind: 'source',
    name,
    ...(severity === undefined ? {} : { severity }),
  } as const;
  if (state.status === 'resolved') {
    const fixed = cleanName(state.fixed_version);
    if (fixed === undefined) return undefined;
    // `0`: no version of this release ever had it.
    return fixed === '0'
      ? { ...shared, status: 'not_affected', justification: 'vulnerable_code_not_present' }
      : { ...shared, status: 'fixed', fixed };
  }
  if (state.status === 'undetermined') return { ...shared, status: 'under_investigation' };
  if (state.status !== 'open') return undefined;
  const reason = urgency === 'end-of-life' ? 'end-of-life' : NO_FIX[textOf(state.nodsa_reason) ?? ''];
  const statement = cleanText(state.nodsa);
  return {
    ...shared,
    status: 'affected',
    ...(reason === undefined ? {} : { justification: reason }),
    ...(statement === '' ? {} : { statement }),
  };
}
