import type { NewEvent } from '../events/index.ts';
import type { Digest } from '../oci/index.ts';
import type { BuildSummary, Place, Release } from './types.ts';

interface ImageFacts extends Place {
  readonly digest: Digest;
  readonly previous: Digest | undefined;
  readonly summary: BuildSummary;
}

function imageData(facts: ImageFacts): object {
  const { image, repository, tag, digest, previous, summary } = facts;
  return {
    image,
    repository,
    tag,
    digest,
    previous: previous ?? null,
    strategy: summary.strategy,
    packages: summary.changes,
    advisories: summary.advisoriesFixed,
    reason: summary.reason,
  };
}

/** Same image, same digest, same starting point → same event. */
const keyOf = (facts: ImageFacts): string => `${facts.image}\n${facts.digest}\n${facts.previous ?? ''}`;

export function builtEvent(facts: ImageFacts): NewEvent {
  const data = { ...imageData(facts), statistics: facts.summary.statistics };
  return { type: 'io.heraklit.image.built', subject: facts.image, key: keyOf(facts), data };
}

/** The manifest can be pulled by digest; its tag moves when it is released. */
export function publishedEvent(facts: ImageFacts): NewEvent {
  return { type: 'io.heraklit.image.published', subject: facts.image, key: keyOf(facts), data: imageData(facts) };
}

/** @param cause what was tried: the same attempt on the same digest is announced once */
export function unchangedEvent(place: Place, digest: Digest, reason: string, cause: string): NewEvent {
  const data = { image: place.image, repository: place.repository, tag: place.tag, digest, reason };
  return {
    type: 'io.heraklit.image.unchanged',
    subject: place.image,
    key: `${place.image}\n${digest}\n${cause}`,
    data,
  };
}

export function releasedEvents(release: Release, project: string, host: string): readonly NewEvent[] {
  const facts = { ...release, digest: release.descriptor.digest };
  const key = keyOf(facts);
  return [
    { type: 'io.heraklit.image.released', subject: release.image, key, data: imageData(facts) },
    {
      type: 'io.heraklit.container.published',
      subject: release.image,
      key,
      // Exactly the four keys of the Open Build Service's container.published message.
      data: {
        project,
        repo: release.repository,
        buildid: facts.digest,
        container: `${host === '' ? '' : `${host}/`}${release.repository}:${release.tag}`,
      },
    },
  ];
}
