import type { InstalledPackage, PackageIdentity, PackageRelations, Relation, RepositoryPackage } from '../types.ts';
import { compareVersions, satisfies } from './version.ts';

export interface RpmUpgradeRequest {
  readonly installed: readonly InstalledPackage[];
  /** What repositories offer, read for solving; those of the first repository are preferred among equals. */
  readonly offered: readonly RepositoryPackage[];
  /** Candidates that are to come in. */
  readonly wanted: readonly RepositoryPackage[];
  /** Also what takes the place of installed packages under another name (Obsoletes), as `dnf upgrade` does. */
  readonly everything: boolean;
}

export type RpmUpgrade =
  | {
      readonly kind: 'solved';
      readonly packages: readonly RepositoryPackage[];
      /** Names of installed packages that others take the place of. */
      readonly removed: readonly string[];
    }
  | { readonly kind: 'unsolvable'; readonly reason: string };

/** Packages that one upgrade brings in; a whole distribution has fewer that depend on each other. */
const MAX_PACKAGES = 20_000;

type Present = PackageIdentity & { readonly relations: PackageRelations };

const isRich = ({ name }: Relation): boolean => name.startsWith('(');

function fits(provided: Relation, { name, operator, version }: Relation): boolean {
  if (provided.name !== name) return false;
  if (operator === undefined || version === undefined || provided.version === undefined) return true;
  return satisfies(provided.version, operator, version);
}

/** Kernels and their like: a new one comes beside the old one. */
export const isInstallOnly = ({ name, relations }: Pick<Present, 'name' | 'relations'>): boolean =>
  /^kernel(?:-(?:core|modules(?:-.+)?|devel|rt|PAE|debug|default))?$/.test(name) ||
  relations.provides.some((provided) => provided.name.startsWith('installonlypkg('));

const inWords = ({ name, operator, version }: Relation): string =>
  operator === undefined ? name : `${name} ${operator} ${version}`;

/** One upgrade in the making. */
class Upgrade {
  readonly #request: RpmUpgradeRequest;
  readonly #incoming = new Set<RepositoryPackage>();
  readonly #present: Set<Present>;
  readonly removed = new Set<string>();
  /** Name → who has it now. */
  readonly #providers = new Map<string, Set<Present>>();
  readonly #offers = new Map<string, RepositoryPackage[]>();
  readonly #open: Present[] = [];

  constructor(request: RpmUpgradeRequest) {
    this.#request = request;
    this.#present = new Set();
    for (const one of request.installed) this.#enter(one);
    for (const offer of request.offered) {
      for (const name of new Set([offer.name, ...offer.relations.provides.map((provided) => provided.name)])) {
        const known = this.#offers.get(name);
        if (known === undefined) this.#offers.set(name, [offer]);
        else known.push(offer);
      }
    }
  }

  run(): RpmUpgrade {
    for (const one of this.#request.wanted) this.#bring(one);
    if (this.#request.everything) for (const one of this.#successors()) this.#bring(one);
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) {
      if (!this.#present.has(next)) continue;
      const reason = this.#settle(next);
      if (reason !== undefined) return { kind: 'unsolvable', reason };
      if (this.#incoming.size > MAX_PACKAGES)
        return { kind: 'unsolvable', reason: 'there is no end to what is needed' };
    }
    return { kind: 'solved', packages: [...this.#incoming], removed: [...this.removed] };
  }

  #enter(one: Present): void {
    this.#present.add(one);
    for (const { name } of [one, ...one.relations.provides]) {
      const known = this.#providers.get(name);
      if (known === undefined) this.#providers.set(name, new Set([one]));
      else known.add(one);
    }
  }

  #leave(one: Present): void {
    this.#present.delete(one);
    const names = new Set([one.name, ...one.relations.provides.map(({ name }) => name)]);
    for (const name of names) this.#providers.get(name)?.delete(one);
    // Whoever needed what it had has to be looked at again.
    for (const other of this.#present) {
      if (other.relations.depends.flat().some((relation) => names.has(relation.name))) this.#open.push(other);
    }
  }

  #bring(offer: RepositoryPackage): void {
    if (this.#incoming.has(offer)) return;
    this.#incoming.add(offer);
    const replaced = [...(this.#providers.get(offer.name) ?? [])].filter(
      (one) => one.name === offer.name && isSameKind(one, offer) && !isInstallOnly(offer),
    );
    const obsoletes = offer.relations.replaces.flat();
    const obsoleted = obsoletes.flatMap((relation) =>
      [...(this.#providers.get(relation.name) ?? [])].filter(
        (one) => one.name !== offer.name && fits({ ...one, operator: '=' }, relation),
      ),
    );
    this.#enter(offer);
    for (const one of replaced) {
      if (one !== offer) this.#leave(one);
      this.#incoming.delete(one as RepositoryPackage);
    }
    this.#incoming.add(offer);
    for (const one of obsoleted) {
      this.#leave(one);
      if (!this.#incoming.delete(one as RepositoryPackage)) this.removed.add(one.name);
    }
    this.#open.push(offer);
  }

  /** Newest packages that say they take the place of an installed one. */
  #successors(): readonly RepositoryPackage[] {
    const newest = new Map<string, RepositoryPackage>();
    for (const offer of this.#request.offered) {
      const key = `${offer.name}.${offer.architecture}`;
      const known = newest.get(key);
      if (known === undefined || compareVersions(offer.version, known.version) > 0) newest.set(key, offer);
    }
    const names = new Set(this.#request.installed.map(({ name }) => name));
    return [...newest.values()].filter((offer) =>
      offer.relations.replaces
        .flat()
        .some(
          (relation) =>
            relation.name !== offer.name &&
            names.has(relation.name) &&
            [...this.#present].some((one) => one.name === relation.name && fits({ ...one, operator: '=' }, relation)),
        ),
    );
  }

  /** Sees to everything that a package needs. @returns why it cannot be */
  #settle(one: Present): string | undefined {
    for (const relation of one.relations.depends.flat()) {
      // rpm itself judges what has conditions in it.
      if (isRich(relation) || this.#isMet(relation)) continue;
      const provider = this.#bestProvider(relation);
      if (provider !== undefined) {
        this.#bring(provider);
        continue;
      }
      // What is there already may have a newer version that goes with what came.
      const newer = this.#newerOf(one);
      if (newer === undefined) {
        return `${one.name} ${one.version} needs ${inWords(relation)}, which nobody offers`;
      }
      this.#bring(newer);
      return undefined;
    }
    return undefined;
  }

  #isMet(relation: Relation): boolean {
    for (const one of this.#providers.get(relation.name) ?? []) {
      if (one.name === relation.name && fits({ ...one, operator: '=' }, relation)) return true;
      if (one.relations.provides.some((provided) => fits(provided, relation))) return true;
    }
    return false;
  }

  /** An update of what is there before a new package; then the newest, then the shortest name. */
  #bestProvider(relation: Relation): RepositoryPackage | undefined {
    const installed = new Map(this.#request.installed.map((one) => [one.name, one]));
    const fitting = (this.#offers.get(relation.name) ?? []).filter((offer) => {
      const there = installed.get(offer.name);
      if (there !== undefined && isSameKind(there, offer) && compareVersions(offer.version, there.version) < 0)
        return false;
      return [{ ...offer, operator: '=' as const }, ...offer.relations.provides].some((provided) =>
        fits(provided, relation),
      );
    });
    const native = this.#request.installed.find(({ architecture }) => architecture !== 'noarch')?.architecture;
    const isForeign = ({ architecture }: RepositoryPackage): number =>
      Number(architecture !== 'noarch' && architecture !== native);
    return fitting.sort(
      (a, b) =>
        Number(installed.has(b.name)) - Number(installed.has(a.name)) ||
        isForeign(a) - isForeign(b) ||
        (a.name === b.name ? compareVersions(b.version, a.version) : a.name.length - b.name.length),
    )[0];
  }

  #newerOf(one: Present): RepositoryPackage | undefined {
    return (this.#offers.get(one.name) ?? [])
      .filter(
        (offer) => offer.name === one.name && isSameKind(one, offer) && compareVersions(offer.version, one.version) > 0,
      )
      .sort((a, b) => compareVersions(b.version, a.version))[0];
  }
}

/** Does one replace the other? Packages of several architectures lie beside each other. */
const isSameKind = (a: PackageIdentity, b: PackageIdentity): boolean =>
  a.architecture === b.architecture || a.architecture === 'noarch' || b.architecture === 'noarch';

/**
 * Packages that bring candidates in: what they need besides, what needs the old ones and has to move with them, and what
 * they obsolete. A proposal that rpm checks: conditions (`(a if b)`) and conflicts are its own to judge.
 */
export const solveRpmUpgrade = (request: RpmUpgradeRequest): RpmUpgrade => new Upgrade(request).run();
