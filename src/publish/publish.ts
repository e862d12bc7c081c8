import type { DatabaseTransaction } from '../database/index.ts';
import { emit } from '../events/index.ts';
import type { Descriptor } from '../oci/index.ts';
import type { CatalogueEntry, RegistryCatalogue } from '../registry/index.ts';
import { builtEvent, publishedEvent, releasedEvents } from './events.ts';
import type { BuildSummary, Candidate, Place, Release } from './types.ts';

/** Who speaks: what `container.published` calls project and registry host. */
export interface Publisher {
  readonly catalogue: RegistryCatalogue;
  /** Name of the fleet. */
  readonly project: string;
  /** `host:port` that consumers pull from; '' when the registry is not served. */
  readonly host: string;
}

export function summaryOf(built: Candidate['built']): BuildSummary {
  const { strategy, reason, changes, advisoriesFixed, statistics } = built;
  return { strategy, reason, changes, advisoriesFixed, statistics };
}

/**
 * Makes candidates pullable by digest, and announces them, in the caller's transaction. Copies nothing: builder and
 * registry share one blob store. No tag moves: who pulls by tag gets a candidate only once it is released.
 */
export async function publishCandidates(
  trx: DatabaseTransaction,
  publisher: Publisher,
  candidates: readonly Candidate[],
): Promise<void> {
  if (candidates.length === 0) return;
  await publisher.catalogue.publishMany(
    candidates.flatMap((one) => [entryOf(one), ...(one.attached ?? [])]),
    { trx },
  );
  const events = candidates.flatMap((candidate) => {
    const digest = candidate.built.descriptor.digest;
    const facts = { ...candidate, digest, summary: summaryOf(candidate.built) };
    return [builtEvent(facts), publishedEvent(facts)];
  });
  await emit(trx, events);
}

function entryOf({ repository, built }: Candidate): CatalogueEntry {
  const { manifest, descriptor } = built;
  const names = [manifest.config, ...manifest.layers];
  return {
    repository,
    descriptor,
    blobs: names.map(({ digest }) => digest),
    names,
    ...(manifest.subject === undefined ? {} : { subject: manifest.subject.digest }),
  };
}

/** Moves tags to verified candidates and announces it, in the caller's transaction. */
export async function releaseImages(
  trx: DatabaseTransaction,
  publisher: Publisher,
  releases: readonly Release[],
): Promise<void> {
  if (releases.length === 0) return;
  const entries = releases.flatMap(({ repository, tag, descriptor, attached = [] }): readonly CatalogueEntry[] => [
    ...attached,
    { repository, tag, descriptor, blobs: [] },
  ]);
  await publisher.catalogue.publishMany(entries, { trx });
  await emit(
    trx,
    releases.flatMap((release) => releasedEvents(release, publisher.project, publisher.host)),
  );
}

/** Puts a tag back to what it named before, in the caller's transaction. */
export async function restoreTag(
  trx: DatabaseTransaction,
  publisher: Publisher,
  place: Place,
  descriptor: Descriptor,
): Promise<void> {
  const { repository, tag } = place;
  await publisher.catalogue.publishMany([{ repository, tag, descriptor, blobs: [] }], { trx });
}
