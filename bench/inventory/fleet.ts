import { createHash } from 'node:crypto';
import type { DistributionName, InstalledPackage } from '../../src/distro/index.ts';
import type { LayerContents, PackageEffect, PackageRef } from '../../src/inventory/index.ts';
import type { RecordedContents, RecordImage } from '../../src/inventory/store/index.ts';
import type { Digest } from '../../src/oci/index.ts';
import { Random } from './random.ts';

export interface FleetSize {
  readonly images: number;
  /** Distinct ones. */
  readonly layers: number;
  readonly seed: number;
}

/** Weeks of history: as many snapshots of each distribution's packages as there are bases. */
export const WEEKS = 40;
const DAY = 86_400_000;
export const START = Date.parse('2026-01-05T00:00:00Z');
/** When the fleet is complete: what comes after is a later day. */
export const END = START + WEEKS * 7 * DAY;

const RELEASES = [
  { name: 'debian/trixie', version: '13', share: 0.5 },
  { name: 'debian/bookworm', version: '12', share: 0.35 },
  { name: 'debian/bullseye', version: '11', share: 0.15 },
] as const;

/** Packages a base has; with names that the queries ask for. */
const BASE_PACKAGES = 90;
const POOL = 900;
const LANGUAGE_POOL = 6_000;
const RUNTIME_PACKAGES = 50;
const APPLICATION_PACKAGES = 20;
const LANGUAGE_PACKAGES = 40;
const NAMED = ['libc6', 'libssl3', 'openssl', 'zlib1g', 'bash', 'libsystemd0', 'perl-base', 'tzdata'];

interface Layer {
  readonly contents: LayerContents;
  /** The whole database after it. */
  readonly packages: readonly InstalledPackage[];
  readonly release: number;
  readonly week: number;
}

/** A layer of code has the same effect on any stack. */
interface CodeLayer {
  readonly contents: LayerContents;
  readonly packages: readonly LanguagePackage[];
}

type LanguagePackage = RecordedContents['languagePackages'][number];

const digest = (text: string): Digest => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/**
 * A fleet as companies have them: bases by week, runtimes on them, applications' packages on those, and layers of code
 * with language packages on top; recent weeks and a few runtimes far more often than others, references that
 * moved on several times. The same seed gives the same fleet.
 */
export class GeneratedFleet {
  readonly #random: Random;
  readonly #size: FleetSize;
  readonly #bases: Layer[] = [];
  readonly #runtimes: Layer[] = [];
  readonly #applications: Layer[] = [];
  readonly #code: CodeLayer[] = [];
  readonly #stacks = new Map<Layer, readonly Layer[]>();
  readonly #packages = new Map<string, InstalledPackage>();

  constructor(size: FleetSize) {
    this.#size = size;
    this.#random = new Random(size.seed);
    this.#makeLayers();
  }

  /** Distinct package objects: every version that stands in any layer. */
  get versions(): number {
    return this.#packages.size;
  }

  /** Images in the order they were built, references moving on. */
  *images(): Generator<RecordImage> {
    const random = this.#random;
    const { images } = this.#size;
    // Every fifth image supersedes an earlier one of its reference.
    const references = Math.ceil(images * 0.8);
    for (let at = 0; at < images; at += 1) {
      const application = this.#applications[
        this.#applications.length - 1 - random.skewed(this.#applications.length)
      ] as Layer;
      const below = this.#stacks.get(application) as readonly Layer[];
      const code = Array.from(
        { length: 1 + random.below(2) },
        () => this.#code[random.skewed(this.#code.length)] as CodeLayer,
      );
      const layers = [...below, application, ...code].map((layer) => layer.contents);
      const team = `team-${String(random.skewed(120)).padStart(3, '0')}`;
      const number = at % references;
      const contents: RecordedContents = {
        distribution: {
          name: (RELEASES[application.release] as { name: DistributionName }).name,
          id: 'debian',
          versionId: (RELEASES[application.release] as { version: string }).version,
          codename: '',
          prettyName: '',
        },
        architecture: 'amd64',
        ecosystem: 'deb',
        packages: application.packages,
        languagePackages: [...new Set(code.flatMap((layer) => layer.packages))],
        layers,
        annotations: {},
        config: undefined,
        incomplete: [],
      };
      yield {
        digest: digest(`image ${this.#size.seed} ${at}`),
        contents,
        reference: `registry.example.com/${number < images - references ? 'team-moving' : team}/app-${String(number).padStart(6, '0')}:1`,
        now: new Date(START + Math.floor((at / images) * (END - START))),
      };
    }
  }

  #makeLayers(): void {
    const random = this.#random;
    const { layers } = this.#size;
    const bases = Math.max(3, Math.round(layers * 0.006));
    const runtimes = Math.max(3, Math.round(layers * 0.088));
    const applications = Math.max(3, Math.round(layers * 0.3));
    const code = Math.max(3, layers - bases - runtimes - applications);
    for (let at = 0; at < bases; at += 1) {
      const release = at % RELEASES.length;
      const week = Math.floor((at / bases) * WEEKS);
      const packages = Array.from({ length: BASE_PACKAGES }, (_, place) => this.#debian(place, release, week));
      this.#bases.push({ contents: layerOf(`base ${at}`, [], packages), packages, release, week });
    }
    this.#bases.sort((a, b) => a.week - b.week);
    for (let at = 0; at < runtimes; at += 1) {
      const base = this.#base(random);
      const kind = random.skewed(12);
      const added = Array.from({ length: RUNTIME_PACKAGES }, (_, place) =>
        this.#debian(BASE_PACKAGES + ((kind * 37 + place) % 400), base.release, base.week),
      );
      const packages = merged(base.packages, added);
      const runtime = { ...base, contents: layerOf(`runtime ${at}`, base.packages, packages), packages };
      this.#runtimes.push(runtime);
      this.#stacks.set(runtime, [base]);
    }
    this.#runtimes.sort((a, b) => a.week - b.week);
    for (let at = 0; at < applications; at += 1) {
      const runtime = this.#runtimes[this.#runtimes.length - 1 - random.skewed(this.#runtimes.length)] as Layer;
      // Installed later than the base was made, some of its packages are upgraded on the way.
      const week = Math.min(WEEKS - 1, runtime.week + random.below(4));
      const added = Array.from({ length: APPLICATION_PACKAGES }, () =>
        this.#debian(BASE_PACKAGES + random.below(POOL - BASE_PACKAGES), runtime.release, week),
      );
      const upgraded = Array.from({ length: 5 }, () =>
        this.#debian(random.below(BASE_PACKAGES), runtime.release, week),
      );
      const packages = merged(runtime.packages, [...added, ...upgraded]);
      const application = { ...runtime, week, contents: layerOf(`app ${at}`, runtime.packages, packages), packages };
      this.#applications.push(application);
      this.#stacks.set(application, [...(this.#stacks.get(runtime) as readonly Layer[]), runtime]);
    }
    this.#applications.sort((a, b) => a.week - b.week);
    for (let at = 0; at < code; at += 1) {
      const contents = layerOf(`code ${at}`, [], []);
      const packages = Array.from({ length: random.below(LANGUAGE_PACKAGES * 1.5) }, () =>
        languagePackage(random, contents.diffId),
      );
      this.#code.push({ contents, packages });
    }
  }

  #base(random: Random): Layer {
    const roll = random.next();
    const release = roll < RELEASES[0].share ? 0 : roll < RELEASES[0].share + RELEASES[1].share ? 1 : 2;
    const bases = this.#bases.filter((base) => base.release === release);
    return bases[bases.length - 1 - random.skewed(bases.length)] as Layer;
  }

  /** The version of a package that a distribution had in a week: few packages change often, most hardly ever. */
  #debian(place: number, release: number, week: number): InstalledPackage {
    const name = NAMED[place] ?? `lib${(place * 7919) % 10_007}-${place}`;
    const every = place < NAMED.length ? 2 : 3 + ((place * 31) % 37);
    return this.#installed(name, `${release + 1}.${place % 7}.0-${1 + Math.floor(week / every)}+deb${13 - release}u1`);
  }

  #installed(name: string, version: string): InstalledPackage {
    const key = `${name} ${version}`;
    const known = this.#packages.get(key);
    if (known !== undefined) return known;
    const made: InstalledPackage = {
      name,
      version,
      architecture: 'amd64',
      source: { name, version },
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
    this.#packages.set(key, made);
    return made;
  }
}

function languagePackage(random: Random, layer: string): LanguagePackage {
  const place = random.skewed(LANGUAGE_POOL);
  const [ecosystem, evidence] = place % 3 === 0 ? (['pypi', 'dist-info'] as const) : (['npm', 'package.json'] as const);
  const name = `module-${place}`;
  const version = `${1 + (place % 5)}.${random.skewed(12)}.${random.skewed(4)}`;
  return {
    ecosystem,
    name,
    version,
    purl: `pkg:${ecosystem}/${name}@${version}`,
    state: 'installed',
    dev: false,
    owner: undefined,
    locations: [{ path: `app/${name}`, evidence, layer }],
  };
}

/** One version a name: what comes later counts. */
function merged(below: readonly InstalledPackage[], above: readonly InstalledPackage[]): readonly InstalledPackage[] {
  const all = new Map(below.map((item) => [item.name, item]));
  for (const item of above) all.set(item.name, item);
  return [...all.values()];
}

const refOf = ({ name, architecture, version }: InstalledPackage): PackageRef => ({ name, architecture, version });

function layerOf(name: string, before: readonly InstalledPackage[], after: readonly InstalledPackage[]): LayerContents {
  const below = new Map(before.map((item) => [item.name, item]));
  const packages: PackageEffect = {
    added: after.filter((item) => !below.has(item.name)).map(refOf),
    changed: after.flatMap((item) => {
      const from = below.get(item.name);
      return from === undefined || from.version === item.version ? [] : [{ ...refOf(item), from: from.version }];
    }),
    removed: [],
  };
  const diffId = digest(`layer ${name}`);
  return {
    diffId,
    digest: diffId,
    compressedBytes: 10_000_000,
    bytes: 30_000_000,
    entries: 2_000,
    packages,
    wastedBytes: 1_000,
    createdBy: undefined,
  };
}
