import type { DatabaseReader } from '../../database/index.ts';
import { findingsOfImage, outdatedAll, whereIs } from '../../inventory/store/index.ts';
import type { Finding, Outdated, Where } from '../contract.ts';
import type { WhereQuery } from '../queries.ts';
import { findImage, knownImages } from './known-images.ts';
import { allRows } from './pages.ts';

type Stored = NonNullable<Awaited<ReturnType<typeof findingsOfImage>>>[number];

const toFinding = (stored: Stored): Finding => ({
  package: stored.package,
  arch: stored.arch,
  installed: stored.installed,
  candidate: stored.candidate,
  repository: stored.repository,
  security: stored.security,
  severity: stored.severity,
  advisories: stored.advisories,
  since: stored.since,
  ...(stored.score === undefined ? {} : { score: stored.score }),
  ...(stored.notAffected === undefined ? {} : { notAffected: stored.notAffected }),
});

/** All images with findings, or one image with or without. @throws HTTP_NOT_FOUND */
export async function readOutdated(reader: DatabaseReader, wanted: string | undefined, now: Date): Promise<Outdated> {
  if (wanted === undefined) {
    const rows = await allRows((page) => outdatedAll(reader, page));
    return {
      images: rows.map(({ reference, digest, distribution, findings }) => ({
        reference,
        digest,
        distribution,
        unsupported: null,
        findings: findings.map(toFinding),
      })),
    };
  }
  const { reference, digest, inventory } = findImage(await knownImages(reader, now), wanted);
  const findings = digest === undefined ? undefined : await findingsOfImage(reader, digest);
  const reason = inventory === undefined ? 'not scanned yet' : inventory.reason || 'not checked yet';
  const distribution = inventory?.distribution;
  return {
    images: [
      {
        reference,
        digest: digest ?? null,
        distribution: distribution === undefined || distribution === '' ? null : distribution,
        unsupported: findings === undefined || inventory?.status !== 'checked' ? reason : null,
        findings: (findings ?? []).map(toFinding),
      },
    ],
  };
}

/** Images that have a package, with the workloads that run them. */
export async function readWhere(reader: DatabaseReader, query: WhereQuery): Promise<Where> {
  const { version, image } = query;
  const filter = {
    package: query.package,
    ...(version === undefined ? {} : { versionRange: version }),
    ...(image === undefined ? {} : { imageGlob: image }),
  };
  const rows = await allRows((page) => whereIs(reader, { ...filter, ...page }));
  const digests = [...new Set(rows.map(({ digest }) => digest))];
  const running =
    digests.length === 0
      ? []
      : await reader.selectFrom('workload').select(['digest', 'id']).where('digest', 'in', digests).execute();
  const byDigest = Map.groupBy(running, ({ digest }) => digest);
  return {
    package: query.package,
    places: rows.map((row) => ({
      package: row.package,
      version: row.version,
      arch: row.arch,
      reference: row.reference ?? row.digest,
      digest: row.digest,
      layer: row.layer ?? null,
      workloads: [...new Set(byDigest.get(row.digest)?.map(({ id }) => id))].sort(),
    })),
  };
}
