import type { ApkDependency } from '../dependencies.ts';
import type { ApkInstalledRecord } from '../installed-records.ts';
import { type ApkCandidate, type ApkProvider, type ApkUniverse, identityOf, isMet, namesOf } from './candidates.ts';
import type { ApkChange } from './change.ts';

interface Decided {
  /** With what is installed in it. */
  readonly universe: ApkUniverse;
  readonly installed: readonly ApkInstalledRecord[];
  readonly world: readonly ApkDependency[];
  readonly chosen: ReadonlyMap<string, ApkProvider>;
}

/**
 * Steps in apk's order: what a package depends on before it, what nobody needs any more as soon as the last who did was
 * changed, the rest at the end.
 */
export function orderChanges(decided: Decided): readonly ApkChange[] {
  const order = new Order(decided);
  return order.run();
}

class Order {
  readonly #decided: Decided;
  readonly #changes: ApkChange[] = [];
  readonly #done = new Set<string>();
  readonly #gone = new Set<string>();
  /** Names that were looked at, by which a package comes that is installed with others (`install_if`). */
  readonly #seen = new Set<string>();
  /** Name → names of packages of which a version comes with it. */
  readonly #bringing = new Map<string, Set<string>>();
  /** Installed package → how many installed ones depend on it; by name. */
  readonly #needed = new Map<string, number>();
  readonly #installed: ReadonlyMap<string, ApkCandidate>;
  /** Name that is asked for → installed package that answers to it. */
  readonly #answering = new Map<string, string>();

  constructor(decided: Decided) {
    this.#decided = decided;
    const candidates = decided.installed.flatMap((record) => decided.universe.byIdentity.get(identityOf(record)) ?? []);
    this.#installed = new Map(candidates.map((candidate) => [candidate.name, candidate]));
    for (const { name, relations } of candidates) {
      this.#answering.set(name, name);
      for (const provided of relations.provided) {
        if (provided.version !== undefined && !this.#answering.has(provided.name)) {
          this.#answering.set(provided.name, name);
        }
      }
    }
    for (const candidate of candidates) this.#count(candidate, 1);
    for (const { name, relations } of decided.universe.triggered) {
      for (const condition of relations.installIf) {
        const known = this.#bringing.get(condition.name) ?? new Set<string>();
        this.#bringing.set(condition.name, known.add(name));
      }
    }
  }

  run(): readonly ApkChange[] {
    const { world, installed, chosen } = this.#decided;
    for (const [name] of this.#installed) {
      if ((this.#needed.get(name) ?? 0) === 0 && !chosen.has(name)) this.#remove(name);
    }
    for (const { name } of world) this.#change(name);
    for (const { name } of installed) this.#change(name);
    for (const { candidate } of chosen.values()) this.#change(candidate.name);
    return this.#changes;
  }

  /** @returns names of installed packages that nobody depends on any more */
  #count({ relations }: ApkCandidate, by: 1 | -1): readonly string[] {
    const free: string[] = [];
    for (const { name, conflict } of relations.all) {
      const target = conflict ? undefined : this.#answering.get(name);
      if (target === undefined) continue;
      const left = (this.#needed.get(target) ?? 0) + by;
      this.#needed.set(target, left);
      if (left === 0) free.push(target);
    }
    return free;
  }

  #change(name: string): void {
    const { chosen } = this.#decided;
    this.#seen.add(name);
    const candidate = chosen.get(name)?.candidate;
    if (candidate === undefined || chosen.get(candidate.name)?.candidate !== candidate) {
      this.#remove(name);
      return;
    }
    // Somebody else has this name now: whoever had it goes first.
    if (candidate.name !== name) this.#remove(name);
    if (this.#done.has(candidate.name)) return;
    this.#done.add(candidate.name);
    for (const [provided] of namesOf(candidate)) {
      this.#seen.add(provided);
      if (provided !== candidate.name) this.#remove(provided);
    }
    for (const dependency of candidate.relations.all) if (!dependency.conflict) this.#change(dependency.name);
    const old = this.#installed.get(candidate.name);
    const stays = candidate.installed !== undefined;
    this.#changes.push({
      name: candidate.name,
      ...(old?.installed === undefined ? {} : { from: old.installed }),
      ...(stays || candidate.offer === undefined ? {} : { to: candidate.offer }),
      stays,
    });
    this.#bring(candidate);
    this.#count(candidate, 1);
    if (old !== undefined) for (const free of this.#count(old, -1)) this.#remove(free);
  }

  /** Packages that come with this one follow it, once all that they come with was looked at. */
  #bring(candidate: ApkCandidate): void {
    const { chosen } = this.#decided;
    for (const [name] of namesOf(candidate)) {
      for (const brought of this.#bringing.get(name) ?? []) {
        const other = chosen.get(brought)?.candidate;
        if (other === undefined || this.#seen.has(brought)) continue;
        const isDue = other.relations.installIf.every(
          (one) => (one.conflict || this.#seen.has(one.name)) && isMet(one, chosen.get(one.name)),
        );
        if (isDue) this.#change(brought);
      }
    }
  }

  /** Of a package that is not among the chosen: whoever depended on it before goes first. */
  #remove(name: string): void {
    const old = this.#installed.get(name);
    if (old?.installed === undefined || this.#gone.has(name)) return;
    if (this.#decided.chosen.get(name)?.candidate.name === name) return;
    this.#gone.add(name);
    for (const [other, { relations }] of this.#installed) {
      const depends = relations.all.some((one) => !one.conflict && this.#answering.get(one.name) === name);
      if (depends) this.#remove(other);
    }
    this.#changes.push({ name, from: old.installed, stays: false });
    for (const free of this.#count(old, -1)) this.#remove(free);
  }
}
