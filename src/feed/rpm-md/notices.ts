import type { AdvisorySeverity } from '../../advisory/index.ts';
import { openDocument } from '../../advisory/index.ts';
import type { ChangelogEntry, PrimaryRow } from '../../distro/index.ts';

/** A security update that a repository announced (updateinfo.xml), as it is kept. */
export interface UpdateNotice {
  readonly id: string;
  /** CVE ids it names. */
  readonly cves: readonly string[];
  readonly severity: AdvisorySeverity | undefined;
  /** Seconds since the epoch. */
  readonly issued: number | undefined;
  /** Binary packages with the version that has the fix. */
  readonly packages: readonly (readonly [name: string, evr: string])[];
}

const SLICE = 1024 * 1024;

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += SLICE) yield bytes.subarray(at, at + SLICE);
}

const secondsOf = (text: string | undefined): number | undefined => {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
};

/** Security updates, and others that name CVE ids; one that was taken back is none. @throws ADVISORY_* */
export async function readNotices(bytes: Uint8Array, distribution: string, what: string): Promise<UpdateNotice[]> {
  const notices: UpdateNotice[] = [];
  const { advisories } = await openDocument(slices(bytes), { distribution, what }, 'updateinfo');
  for await (const advisory of advisories) {
    if (advisory.withdrawn !== undefined) continue;
    notices.push({
      id: advisory.id,
      cves: advisory.aliases.filter((id) => id.startsWith('CVE-')),
      severity: advisory.severity,
      issued: secondsOf(advisory.published),
      packages: advisory.affected.flatMap(({ kind, name, fixed }) =>
        kind === 'source' || fixed === undefined ? [] : [[name, fixed] as const],
      ),
    });
  }
  return notices;
}

/**
 * What became new in each package and when, from the repository's announcements and the versions it offers. The urgency
 * is the announcement's rating.
 */
export function changesOf(
  rows: readonly PrimaryRow[],
  notices: readonly UpdateNotice[],
): ReadonlyMap<string, readonly ChangelogEntry[]> {
  const changes = new Map<string, ChangelogEntry[]>();
  const add = (entry: ChangelogEntry): void => {
    const known = changes.get(entry.source);
    if (known === undefined) changes.set(entry.source, [entry]);
    else known.push(entry);
  };
  for (const [name, version, , , , , , , , published] of rows) {
    const date = published === 0 ? undefined : published;
    add({ source: name, version, distributions: '', urgency: '', date, advisories: [] });
  }
  for (const { id, cves, severity, issued, packages } of notices) {
    const advisories = cves.length === 0 ? [id] : cves;
    for (const [source, version] of packages) {
      add({ source, version, distributions: 'security', urgency: severity ?? '', date: issued, advisories });
    }
  }
  return changes;
}
