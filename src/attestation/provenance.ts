import type { Digest } from '../oci/index.ts';
import { digestSet, type ResourceDescriptor } from './resource.ts';

/** What `externalParameters` of our provenance mean: docs/attestations.md. */
export const BUILD_TYPE = 'https://heraklit.io/build/v1';

export interface ProvenanceFacts {
  /** Who vouches for the build: a URI of the fleet's operator. */
  readonly builder: string;
  readonly version: string;
  /** Name in the fleet. */
  readonly image: string;
  readonly fleet: string;
  readonly strategy: string;
  readonly reason: string;
  /** What the image can be made from again; undefined for images of others. */
  readonly recipe: Digest | undefined;
  readonly lock: Digest | undefined;
  /** Image whose packages were replaced, or whose layers were moved. */
  readonly source: Digest | undefined;
  readonly base: { readonly name: string | undefined; readonly digest: Digest } | undefined;
  /** Base that a rebase took away. */
  readonly formerBase: Digest | undefined;
  readonly packages: readonly {
    readonly package: string;
    readonly architecture: string;
    readonly from: string | undefined;
    readonly to: string | undefined;
  }[];
  readonly advisoriesFixed: readonly string[];
  /** Of the run that asked for it. */
  readonly invocation: string;
}

const SOURCE = 'the image it was made from';

/**
 * SLSA provenance v1 (https://slsa.dev/spec/v1.0/provenance). Says what went in, and no time: the same build gives the
 * same words.
 */
export function provenancePredicate(facts: ProvenanceFacts): object {
  const { builder, version, image, fleet, strategy, reason, recipe, lock, source, base, formerBase } = facts;
  const resolved: ResourceDescriptor[] = [];
  const add = (name: string, digest: Digest | undefined, uri?: string): void => {
    if (digest !== undefined) resolved.push({ name, ...(uri === undefined ? {} : { uri }), digest: digestSet(digest) });
  };
  add('recipe', recipe);
  add('lock', lock);
  add('base', base?.digest, base?.name);
  add('former base', formerBase);
  add(SOURCE, source);
  return {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: { fleet, image, strategy },
      internalParameters: {
        reason,
        packages: facts.packages.map((change) => ({
          name: change.package,
          architecture: change.architecture,
          ...(change.from === undefined ? {} : { from: change.from }),
          ...(change.to === undefined ? {} : { to: change.to }),
        })),
        advisoriesFixed: facts.advisoriesFixed,
      },
      resolvedDependencies: resolved,
    },
    runDetails: {
      builder: { id: builder, version: { heraklit: version } },
      metadata: { invocationId: facts.invocation },
    },
  };
}
