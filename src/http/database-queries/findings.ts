import type { DatabaseReader } from '../../database/index.ts';
import { type FleetRow, findingsOfImage, fleet, outdatedAll } from '../../inventory/store/index.ts';
import type { Finding, Outdated } from '../contract.ts';
import type { OutdatedQuery } from '../queries.ts';
import { namedImage } from './known-image.ts';

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
  ...(stored.usage === undefined ? {} : { usage: stored.usage }),
  ...(stored.linkedBy === undefined ? {} : { linkedBy: stored.linkedBy }),
  ...(stored.loadedIn === undefined ? {} : { loadedIn: stored.loadedIn }),
  ...(stored.score === undefined ? {} : { score: stored.score }),
  ...(stored.notAffected === undefined ? {} : { notAffected: stored.notAffected }),
});

const DEFAULT_LIMIT = 1_000;

/** Images with findings, page by page; or one image with or without. @throws HTTP_NOT_FOUND, HTTP_REQUEST_INVALID */
export function readOutdated(reader: DatabaseReader, query: OutdatedQuery, now: Date): Promise<Outdated> {
  return query.image === undefined ? pageOfOutdated(reader, query, now) : oneImage(reader, query.image, now);
}

async function pageOfOutdated(reader: DatabaseReader, query: OutdatedQuery, now: Date): Promise<Outdated> {
  const { glob, severity, security, since, limit = DEFAULT_LIMIT, after } = query;
  const { rows, next } = await outdatedAll(reader, {
    now,
    limit,
    ...(after === undefined ? {} : { after }),
    ...(glob === undefined ? {} : { imageGlob: glob }),
    ...(query.distribution === undefined ? {} : { distribution: query.distribution }),
    ...(severity === undefined ? {} : { severity }),
    ...(query.usage === undefined ? {} : { usage: query.usage }),
    ...(security === true ? { securityOnly: true } : {}),
    ...(since === undefined ? {} : { since: new Date(since) }),
  });
  return {
    images: rows.map(({ reference, digest, distribution, findings }) => ({
      reference,
      digest,
      distribution,
      unsupported: null,
      findings: findings.map(toFinding),
    })),
    next: next ?? null,
  };
}

async function oneImage(reader: DatabaseReader, wanted: string, now: Date): Promise<Outdated> {
  const { reference, digest } = await namedImage(reader, wanted);
  const [findings, inventory] =
    digest === undefined
      ? [undefined, undefined]
      : await Promise.all([findingsOfImage(reader, digest, now), fleetImage(reader, digest, now)]);
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
    next: null,
  };
}

/** What the inventory says of a digest under any of its names. */
async function fleetImage(reader: DatabaseReader, digest: string, now: Date): Promise<FleetRow | undefined> {
  return (await fleet(reader, { digests: [digest], now, limit: 1 })).rows[0];
}
