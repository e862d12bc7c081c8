import fc from 'fast-check';
import type { DistributionName, InstalledPackage } from '../../../src/distro/index.ts';
import type { LayerContents, PackageRef } from '../../../src/inventory/index.ts';
import type { RecordedContents, RecordImage } from '../../../src/inventory/store/index.ts';
import { type Digest, digestOf } from '../../../src/oci/index.ts';

/** An image of a random fleet, with the name of each package for the queries of the model. */
export type FleetImage = RecordImage & { readonly contents: RecordedContents };

export const DAY = 86_400_000;
export const START = Date.parse('2026-03-01T00:00:00Z');

const VERSIONS = ['1.0~rc1', '1.0', '1.0-1', '1:0.1', '1.10', '1.9', '2.0+b1', '2.0', '10'];
const NAMES = 6;
const REFERENCES = 8;

/** What a random fleet is made from; small numbers, so that things meet. */
export interface FleetSeed {
  /** Effects of layers: pairs of package and version; undefined removes the package. */
  readonly layers: readonly (readonly (readonly [name: number, version: number | undefined])[])[];
  /** Bottom first, by place in `layers`. */
  readonly stacks: readonly (readonly number[])[];
  /** One recording after the other, a day apart: which stack under which name. */
  readonly events: readonly {
    readonly stack: number;
    readonly distribution: number;
    readonly reference: number | undefined;
    readonly sameTime: boolean;
  }[];
}

export const fleetSeed: fc.Arbitrary<FleetSeed> = fc.record({
  layers: fc.array(
    fc.array(fc.tuple(fc.nat(NAMES - 1), fc.option(fc.nat(VERSIONS.length - 1), { nil: undefined, freq: 8 })), {
      maxLength: 5,
    }),
    { minLength: 1, maxLength: 8 },
  ),
  stacks: fc.array(fc.array(fc.nat(7), { maxLength: 4 }), { minLength: 1, maxLength: 12 }),
  events: fc.array(
    fc.record({
      stack: fc.nat(11),
      distribution: fc.nat(2),
      reference: fc.option(fc.nat(REFERENCES - 1), { nil: undefined, freq: 6 }),
      sameTime: fc.boolean(),
    }),
    { minLength: 1, maxLength: 30 },
  ),
});

/** The fleet of a seed under a name of its own, so that several live in one database. */
export function fleetOf(seed: FleetSeed, id: string): readonly FleetImage[] {
  let time = START;
  return seed.events.map(({ stack, distribution, reference, sameTime }) => {
    if (!sameTime) time += DAY;
    const layers = (seed.stacks[stack % seed.stacks.length] ?? []).map((layer) => layer % seed.layers.length);
    // A distribution that nobody recognised, too.
    const name = distribution === 2 ? undefined : (`debian/${id}-${distribution}` as DistributionName);
    const { packages, contents } = stackOf(seed, layers, id);
    return {
      digest: digestOf(JSON.stringify([id, name, layers])),
      now: new Date(time),
      contents: {
        distribution:
          name === undefined
            ? undefined
            : { name, id: 'debian', versionId: '13', codename: 'trixie', prettyName: 'Debian' },
        architecture: 'amd64',
        ecosystem: 'deb',
        packages: packages.map(installed),
        languagePackages: modulesOf(layers, contents, id),
        layers: contents,
        annotations: {},
        config: undefined,
        incomplete: [],
      },
      ...(reference === undefined ? {} : { reference: `${id}/${reference % 2 === 0 ? 'web' : 'db'}-${reference}:1` }),
    };
  });
}

function stackOf(
  seed: FleetSeed,
  layers: readonly number[],
  id: string,
): { readonly packages: readonly PackageRef[]; readonly contents: readonly LayerContents[] } {
  const state = new Map<string, PackageRef>();
  const contents = layers.map((place): LayerContents => {
    const before = new Map(state);
    for (const [number, at] of seed.layers[place] ?? []) {
      const name = `lib${number}-${id}`;
      if (at === undefined) state.delete(name);
      else state.set(name, { name, architecture: 'amd64', version: VERSIONS[at] as string });
    }
    const diffId: Digest = digestOf(`${id} layer ${place}`);
    return {
      diffId,
      digest: diffId,
      compressedBytes: 10,
      bytes: 30,
      entries: 3,
      packages: {
        added: [...state.values()].filter(({ name }) => !before.has(name)),
        changed: [...state.values()].flatMap((item) => {
          const from = before.get(item.name);
          return from === undefined || from.version === item.version ? [] : [{ ...item, from: from.version }];
        }),
        removed: [...before.values()].filter(({ name }) => !state.has(name)),
      },
      wastedBytes: place,
      createdBy: undefined,
    };
  });
  return { packages: [...state.values()], contents };
}

function installed({ name, architecture, version }: PackageRef): InstalledPackage {
  return {
    name,
    version,
    architecture,
    source: { name: `source-of-${name}`, version },
    essential: false,
    multiArch: 'no',
    relations: { depends: [], preDepends: [], recommends: [], conflicts: [], breaks: [], replaces: [], provides: [] },
    installedSize: 1,
    section: '',
    maintainer: '',
    homepage: '',
    hold: false,
    configured: true,
    conffiles: new Map(),
  };
}

type LanguagePackage = RecordedContents['languagePackages'][number];

/** A module of its own in every third layer, one that all even layers have, and what a lock file merely names. */
function modulesOf(
  places: readonly number[],
  layers: readonly LayerContents[],
  id: string,
): readonly LanguagePackage[] {
  const at = (wanted: (place: number) => boolean): LanguagePackage['locations'] =>
    places.flatMap((place, height) =>
      wanted(place) ? [{ path: `app/${height}`, evidence: 'package.json', layer: layers[height]?.diffId }] : [],
    );
  const own = [0, 3, 6].map((place) =>
    languagePackage(
      `own${place}-${id}`,
      at((one) => one === place),
    ),
  );
  const shared = languagePackage(
    `shared-${id}`,
    at((place) => place % 2 === 0),
  );
  const installed = [...own, shared].filter(({ locations }) => locations.length > 0);
  // Locations come in any order.
  const turned = installed.map((item) => ({ ...item, locations: item.locations.toReversed() }));
  return [...turned, { ...languagePackage(`locked-${id}`, []), state: 'declared' }];
}

function languagePackage(name: string, locations: LanguagePackage['locations']): LanguagePackage {
  return {
    ecosystem: 'npm',
    name,
    version: '1.0.0',
    purl: `pkg:npm/${name}@1.0.0`,
    state: 'installed',
    dev: false,
    owner: undefined,
    locations,
  };
}
