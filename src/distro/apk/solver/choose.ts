import type { ApkDependency } from '../dependencies.ts';
import {
  type ApkCandidate,
  type ApkProvider,
  type ApkUniverse,
  compareProvided,
  isMet,
  namesOf,
} from './candidates.ts';

/** What is to become newer: everything that can, or packages of these names and what they come to need. */
export type ApkUpgrade = 'all' | ReadonlySet<string>;

/**
 * Who is blamed where nothing has a name that is asked for: another `version` of a package that was chosen, if one would
 * have it; `nobody` but who asks; or `others`, chosen packages that have a name which whoever would do has, too.
 */
export type GiveWay = 'version' | 'nobody' | 'others';

/** A dependency and who has it; undefined: the root's owner (etc/apk/world). */
interface Demand {
  readonly dependency: ApkDependency;
  readonly by: ApkCandidate | undefined;
}

export type Attempt =
  | { readonly kind: 'chosen'; readonly byName: ReadonlyMap<string, ApkProvider> }
  /** With this candidate it does not work out; undefined: nothing is left to try. */
  | { readonly kind: 'failed'; readonly blame: ApkCandidate | undefined; readonly reason: string };

class Dead extends Error {
  readonly blame: ApkCandidate | undefined;
  constructor(blame: ApkCandidate | undefined, reason: string) {
    super(reason);
    this.blame = blame;
  }
}

const inWords = ({ name, operator, version = '', fuzzy, conflict }: ApkDependency): string =>
  `${conflict ? '!' : ''}${name}${fuzzy === undefined ? (operator ?? '') + version : `~${fuzzy}`}`;

/** One try at choosing a package for every name that is needed, without the candidates that did not work out before. */
export class Choice {
  readonly #universe: ApkUniverse;
  readonly #upgrade: ApkUpgrade;
  readonly #banned: ReadonlySet<ApkCandidate>;
  readonly #chosen = new Map<string, ApkProvider>();
  readonly #demands = new Map<string, Demand[]>();
  /** Tags that a candidate may come from: those it was asked for with, and those of who needs it. */
  readonly #allowed = new Map<ApkCandidate, Set<string>>();
  /** Candidates that the world asks for, and with which tag (undefined: without). */
  readonly #preferred = new Map<ApkCandidate, string | undefined>();
  /** Names of packages come before names that are only provided: those may be answered by then. */
  readonly #open: [real: string[], virtual: string[]] = [[], []];

  readonly #giveWay: GiveWay;

  constructor(universe: ApkUniverse, upgrade: ApkUpgrade, banned: ReadonlySet<ApkCandidate>, giveWay: GiveWay) {
    this.#universe = universe;
    this.#upgrade = upgrade;
    this.#banned = banned;
    this.#giveWay = giveWay;
  }

  attempt(world: readonly ApkDependency[]): Attempt {
    try {
      for (const dependency of world) this.#demand({ dependency, by: undefined });
      this.#settle();
      while (this.#takeTriggered()) this.#settle();
      return { kind: 'chosen', byName: this.#chosen };
    } catch (error) {
      if (!(error instanceof Dead)) throw error;
      return { kind: 'failed', blame: error.blame, reason: error.message };
    }
  }

  #providers(name: string): readonly ApkProvider[] {
    return (this.#universe.byName.get(name) ?? []).filter(({ candidate }) => !this.#banned.has(candidate));
  }

  #settle(): void {
    for (;;) {
      const name = this.#open[0].shift() ?? this.#open[1].shift();
      if (name === undefined) return;
      if (!this.#chosen.has(name)) this.#decide(name);
    }
  }

  #demand(demand: Demand): void {
    const { dependency, by } = demand;
    const { name, conflict } = dependency;
    const known = this.#demands.get(name);
    if (known === undefined) this.#demands.set(name, [demand]);
    else known.push(demand);
    this.#allow(demand);
    const chosen = this.#chosen.get(name);
    // A package does not conflict with itself.
    if (conflict && chosen?.candidate === by) return;
    if (chosen === undefined) {
      if (conflict) return;
      const isReal = this.#providers(name).some(({ candidate }) => candidate.name === name);
      this.#open[isReal ? 0 : 1].push(name);
    } else if (!isMet(dependency, chosen)) {
      const isOther = this.#providers(name).some((one) => one.candidate !== chosen.candidate && this.#fits(name, one));
      const reason = `${by?.name ?? 'world'} needs ${inWords(dependency)}, which ${chosen.candidate.name} ${chosen.candidate.version} is not`;
      throw new Dead(isOther || (conflict && this.#isNeedless(chosen.candidate)) ? chosen.candidate : by, reason);
    }
  }

  /** Whoever is asked for with a tag may come from its repositories, and so may what it needs. */
  #allow({ dependency, by }: Demand): void {
    const tags = by === undefined ? [dependency.tag].filter((tag) => tag !== undefined) : (this.#allowed.get(by) ?? []);
    for (const provider of this.#universe.byName.get(dependency.name) ?? []) {
      if (!isMet(dependency, provider)) continue;
      const known = this.#allowed.get(provider.candidate) ?? new Set();
      for (const tag of tags) known.add(tag);
      if (known.size > 0) this.#allowed.set(provider.candidate, known);
      if (by === undefined) this.#preferred.set(provider.candidate, dependency.tag);
    }
  }

  #isAllowed(candidate: ApkCandidate): boolean {
    const { tag, installed } = candidate;
    return tag === undefined || installed !== undefined || this.#allowed.get(candidate)?.has(tag) === true;
  }

  #isPreferred = (candidate: ApkCandidate): boolean => candidate.tag === this.#preferred.get(candidate);

  /** Nobody but other dependencies of it asked for it. */
  #isNeedless({ name }: ApkCandidate): boolean {
    return !(this.#demands.get(name) ?? []).some(({ dependency }) => !dependency.conflict);
  }

  /** Does it meet everything that is demanded under this name? */
  #fits(name: string, provider: ApkProvider): boolean {
    return (this.#demands.get(name) ?? []).every(
      ({ dependency, by }) => (dependency.conflict && by === provider.candidate) || isMet(dependency, provider),
    );
  }

  /** Would it answer to a name that another one has, or that it must not have? */
  #collides(candidate: ApkCandidate): boolean {
    return namesOf(candidate).some(([name, version]) => {
      const taken = this.#chosen.get(name);
      const isShared = taken !== undefined && taken.version === undefined && version === undefined;
      if (taken !== undefined && taken.candidate !== candidate && !isShared) return true;
      return !this.#fits(name, { candidate, version });
    });
  }

  #decide(name: string): void {
    const fitting = this.#providers(name).filter(
      (one) =>
        this.#isAllowed(one.candidate) &&
        this.#fits(name, one) &&
        !this.#collides(one.candidate) &&
        this.#isTakenByItself(one),
    );
    const best = fitting.reduce<ApkProvider | undefined>(
      (known, one) => (known === undefined || this.#compare(one, known) > 0 ? one : known),
      undefined,
    );
    if (best === undefined) {
      const demands = (this.#demands.get(name) ?? []).filter(({ by }) => by !== undefined);
      const last = demands.at(-1);
      const what = (this.#demands.get(name) ?? []).map(({ dependency }) => inWords(dependency)).join(' ');
      throw new Dead(this.#inTheWay(name) ?? last?.by, `nothing that can be installed is ${what}`);
    }
    this.#take(best.candidate);
  }

  /** A chosen version of a package of which another version would have the name. */
  #inTheWay(name: string): ApkCandidate | undefined {
    if (this.#giveWay === 'nobody') return undefined;
    if (this.#giveWay === 'others') return this.#sharingWith(name);
    for (const provider of this.#providers(name)) {
      const chosen = this.#chosen.get(provider.candidate.name)?.candidate;
      const isOther = chosen?.name === provider.candidate.name && chosen !== provider.candidate;
      if (isOther && this.#fits(name, provider)) return chosen;
    }
    return undefined;
  }

  /** Who has a name that a package which would do has, too. */
  #sharingWith(name: string): ApkCandidate | undefined {
    for (const provider of this.#providers(name)) {
      if (!this.#fits(name, provider) || !this.#isAllowed(provider.candidate)) continue;
      for (const [shared] of namesOf(provider.candidate)) {
        const taken = this.#chosen.get(shared)?.candidate;
        if (taken !== undefined && taken !== provider.candidate) return taken;
      }
    }
    return undefined;
  }

  #take(candidate: ApkCandidate): void {
    for (const [name, version] of namesOf(candidate)) {
      if (!this.#chosen.has(name)) this.#chosen.set(name, { candidate, version });
    }
    for (const dependency of candidate.relations.all) this.#demand({ dependency, by: candidate });
  }

  /** A name without version is answered by who has a priority for it, is asked for by its own name, or is there. */
  #isTakenByItself({ candidate, version }: ApkProvider): boolean {
    if (version !== undefined || candidate.relations.providerPriority > 0 || candidate.installed !== undefined)
      return true;
    return (this.#demands.get(candidate.name) ?? []).some(({ dependency }) => !dependency.conflict);
  }

  #isUpgraded = ({ name }: ApkCandidate): boolean => this.#upgrade === 'all' || this.#upgrade.has(name);

  /** Positive: `a` is the better answer (apk's order of preferences). */
  #compare(a: ApkProvider, b: ApkProvider): number {
    const [left, right] = [a.candidate, b.candidate];
    const isInstalled = Number(left.installed !== undefined) - Number(right.installed !== undefined);
    const stays = !this.#isUpgraded(left) && !this.#isUpgraded(right);
    const isComparable = left.name === right.name || a.version !== undefined || b.version !== undefined;
    const byOwnName = left.name === right.name ? compareProvided(left.version, right.version) : 0;
    return (
      Number(this.#isPreferred(left)) - Number(this.#isPreferred(right)) ||
      (stays && isComparable ? isInstalled : 0) ||
      compareProvided(a.version, b.version) ||
      byOwnName ||
      left.relations.providerPriority - right.relations.providerPriority ||
      isInstalled ||
      right.rank - left.rank
    );
  }

  /** Does it go with all that is chosen? Nobody asked for it: it stays away where it does not. */
  #suits(candidate: ApkCandidate): boolean {
    return candidate.relations.all.every((dependency) => {
      const chosen = this.#chosen.get(dependency.name);
      return chosen === undefined || chosen.candidate === candidate || isMet(dependency, chosen);
    });
  }

  /** Of a tagged repository, as what it comes with may. */
  #mayComeAlong({ tag, relations }: ApkCandidate): boolean {
    if (tag === undefined) return true;
    return relations.installIf.some(({ name }) => {
      const chosen = this.#chosen.get(name)?.candidate;
      return chosen !== undefined && this.#allowed.get(chosen)?.has(tag) === true;
    });
  }

  /** Takes packages that come with others (`install_if`); false: there are no more. */
  #takeTriggered(): boolean {
    const due = this.#universe.triggered.filter(
      (one) =>
        !this.#banned.has(one) &&
        !this.#chosen.has(one.name) &&
        this.#mayComeAlong(one) &&
        this.#suits(one) &&
        one.relations.installIf.every((dependency) => isMet(dependency, this.#chosen.get(dependency.name))) &&
        !this.#collides(one),
    );
    const [first] = due;
    if (first === undefined) return false;
    const best = due
      .filter(({ name }) => name === first.name)
      .reduce((known, one) =>
        this.#compare({ candidate: one, version: one.version }, { candidate: known, version: known.version }) > 0
          ? one
          : known,
      );
    this.#take(best);
    return true;
  }
}
