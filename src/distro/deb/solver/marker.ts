import { type Dependency, dependenciesOf } from './dependency.ts';
import { onlySolution, solutions } from './preference.ts';
import { type Version, versionMeets } from './universe.ts';
import { candidateOf, currentOf, type Mode, type State, type World } from './world.ts';

/** Nested decisions before a branch is given up; apt's own limit. */
const MAX_DEPTH = 3000;

export interface MarkOptions {
  /** Follow dependencies. */
  readonly follow: boolean;
  readonly depth: number;
  /** The request itself: overrides what is fixed. */
  readonly byRequest: boolean;
}

/**
 * Decides packages one at a time, depth first, as apt does (pkgDepCache): a decision propagates to conflicts, then to
 * dependencies in the order of the control file. A decision that a request leaves no choice about is fixed; any other
 * one that fails is taken back, and the next alternative is tried. What it dragged in stays until the final sweep.
 */
export class Marker {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  #mayChange(state: State, mode: Mode, options: Pick<MarkOptions, 'depth' | 'byRequest'>): boolean {
    if (options.depth > MAX_DEPTH || state.node.versions.length === 0) return false;
    if (options.byRequest || state.mode === mode) return true;
    if (state.fixed) return false;
    return !(mode === 'delete' && (state.current?.essential === true || state.candidate?.essential === true));
  }

  keep(state: State, options = { depth: 0, byRequest: false }): boolean {
    if (!this.#mayChange(state, 'keep', options)) return false;
    if (state.mode === 'keep') return true;
    state.mode = 'keep';
    state.chosen = state.current;
    return true;
  }

  #mayRemove(state: State): boolean {
    // A new package that was asked for by name is never given up for the sake of another.
    return !(state.current === undefined && state.chosen !== undefined && !state.automatic);
  }

  remove(state: State, depth = 0): boolean {
    if (!this.#mayChange(state, 'delete', { depth, byRequest: false })) return false;
    if (state.mode === 'delete' || state.chosen === undefined) return true;
    if (!this.#mayRemove(state)) return false;
    state.mode = state.current === undefined ? 'keep' : 'delete';
    state.chosen = undefined;
    return true;
  }

  #discardCandidate(state: State): void {
    state.candidate = state.chosen;
  }

  #takeBack(state: State): false {
    if (!(state.mode === 'keep' && state.chosen === state.candidate && state.candidate === state.current)) {
      state.chosen = state.current;
      state.mode = 'keep';
      this.#discardCandidate(state);
    }
    return false;
  }

  #choose(state: State, byRequest: boolean): void {
    if (state.fixed && state.chosen === state.candidate) return;
    state.chosen = state.candidate;
    state.mode = state.candidate === state.current ? 'keep' : 'install';
    if (state.current === undefined) state.automatic = !byRequest;
  }

  /** Every critical dependency of the candidate has an answer in the indexes; if not the candidate is ruled out. */
  #isSatisfiable(state: State): boolean {
    const { candidate } = state;
    if (candidate === undefined || candidate === state.current) return true;
    for (const dependency of dependenciesOf(candidate)) {
      if (dependency.negative || !dependency.critical) continue;
      if (this.#world.holds(dependency) || this.#world.wasSatisfiable(dependency)) continue;
      if (!state.fixed) {
        state.candidate = state.current;
        if (state.mode !== 'delete') state.mode = 'keep';
      }
      return false;
    }
    return true;
  }

  /** Makes the candidate the choice, with everything that follows from it. False: not possible, taken back if it may be. */
  install(state: State, options: MarkOptions): boolean {
    const { depth, byRequest } = options;
    const onlyPropagates =
      state.fixed && state.mode === 'keep' && state.candidate !== undefined && state.candidate === state.current;
    if (!onlyPropagates && !this.#mayChange(state, 'install', options)) return false;
    if (state.candidate === undefined) return false;
    if (!state.fixed && !this.#world.isIncomplete(state)) {
      if (state.candidate === state.current) {
        return state.chosen === undefined ? this.keep(state, { depth: depth + 1, byRequest }) : true;
      }
      if (state.mode === 'install') return true;
    }
    if (options.follow && !this.#isSatisfiable(state)) return false;
    if (byRequest) this.#choose(state, true);
    if (!options.follow) {
      if (!byRequest) this.#choose(state, false);
      return true;
    }
    return this.#propagate(state, state.candidate, options);
  }

  #propagate(state: State, candidate: Version, options: MarkOptions): boolean {
    const { depth, byRequest } = options;
    const wasFixed = state.fixed;
    const failEarly = !wasFixed && !byRequest;
    let complete = true;
    const context: Context = { state, depth, propagate: wasFixed, failEarly, upgrades: [], removals: [] };
    const { needed, refused } = this.#collect(candidate, wasFixed);
    if (!this.#refuse(context, refused)) {
      if (failEarly) return false;
      complete = false;
    }
    this.#collectDependants(context, candidate);
    if (!byRequest) this.#choose(state, false);

    state.fixed = true;
    try {
      this.#upgradeSameSource(context, candidate);
      for (const step of [
        () => this.#upgradeOrRemove(context),
        () => this.#provide(context, needed),
        () => this.#removeDelayed(context),
      ]) {
        if (step()) continue;
        if (failEarly) return this.#takeBack(state);
        complete = false;
      }
    } finally {
      state.fixed = wasFixed;
    }
    return complete;
  }

  #collect(candidate: Version, propagate: boolean): { needed: Dependency[]; refused: Dependency[] } {
    const needed: Dependency[] = [];
    const refused: Dependency[] = [];
    for (const dependency of dependenciesOf(candidate)) {
      if (!this.#world.isImportant(dependency)) continue;
      if (!propagate && this.#world.holds(dependency)) continue;
      (dependency.negative ? refused : needed).push(dependency);
    }
    return { needed, refused };
  }

  /** Conflicts and Breaks: what is only a candidate is ruled out, what is present is upgraded or removed. */
  #refuse(context: Context, refused: readonly Dependency[]): boolean {
    const unusable = new Set<State>();
    let complete = true;
    for (const dependency of refused) {
      for (const version of solutions(this.#world, dependency, candidateOf)) {
        if (this.#refuseCandidate(context, this.#world.stateOf(version), version, unusable)) continue;
        complete = false;
        if (context.failEarly) return false;
      }
      for (const version of solutions(this.#world, dependency, currentOf)) {
        const state = this.#world.stateOf(version);
        if (state.candidate !== version && state.candidate !== undefined && !unusable.has(state)) {
          context.upgrades.push(state);
        } else if (state.candidate !== state.current && !this.#refusePresent(context, state)) {
          complete = false;
          if (context.failEarly) return false;
        }
      }
    }
    return complete;
  }

  #refuseCandidate(context: Context, state: State, version: Version, unusable: Set<State>): boolean {
    if (state.candidate !== version) return true;
    if (state.current === version) return this.#refusePresent(context, state);
    if (state.mode === 'install' && !this.keep(state, { depth: context.depth, byRequest: false })) return false;
    if (context.propagate) {
      this.#discardCandidate(state);
      if (state.current === undefined) state.fixed = true;
    } else unusable.add(state);
    return true;
  }

  #refusePresent(context: Context, state: State): boolean {
    if (!context.propagate) {
      if (state.mode === 'delete') return true;
      if (!this.#mayChange(state, 'delete', { depth: context.depth, byRequest: false })) return false;
      if (!this.#mayRemove(state)) return false;
      context.removals.push(state);
      return true;
    }
    if (state.mode !== 'delete' && !this.remove(state, context.depth + 1)) return false;
    this.#discardCandidate(state);
    state.fixed = true;
    return true;
  }

  /** Present packages whose dependency the new version of `state` would no longer meet have to move with it. */
  #collectDependants(context: Context, candidate: Version): void {
    const { state } = context;
    const { current } = state;
    if (current === undefined || current === candidate) return;
    for (const dependant of [...this.#world.touched()]) {
      if (dependant.current === undefined || dependant.mode === 'install') continue;
      const breaks = dependenciesOf(dependant.current).some(
        (dependency) =>
          !dependency.negative &&
          this.#world.isImportant(dependency) &&
          dependency.alternatives.some(
            (relation) =>
              relation.name === current.name &&
              versionMeets(relation, current.version) &&
              !versionMeets(relation, candidate.version),
          ),
      );
      if (breaks && !context.upgrades.includes(dependant)) context.upgrades.push(dependant);
    }
  }

  /** Present binaries of the same source version move together. */
  #upgradeSameSource(context: Context, candidate: Version): void {
    const siblings: State[] = [];
    for (const other of [...this.#world.touched()]) {
      const target = other.candidate;
      if (other === context.state || other.current === undefined || target === undefined) continue;
      if (target === other.current || target.source !== candidate.source) continue;
      if (target.sourceVersion !== candidate.sourceVersion || other.chosen === target) continue;
      siblings.push(other);
    }
    const depth = context.depth + 1;
    for (const sibling of siblings) this.install(sibling, { follow: false, depth, byRequest: false });
    for (const sibling of siblings) this.install(sibling, { follow: true, depth, byRequest: false });
  }

  #upgradeOrRemove(context: Context): boolean {
    let complete = true;
    const depth = context.depth + 1;
    for (const state of context.upgrades) {
      if (state.mode === 'install' || this.install(state, { follow: true, depth, byRequest: false })) continue;
      if (!this.remove(state, depth)) {
        complete = false;
        if (context.failEarly) return false;
      } else if (context.propagate) state.fixed = true;
    }
    return complete;
  }

  #provide(context: Context, needed: readonly Dependency[]): boolean {
    let complete = true;
    for (const dependency of needed) {
      if (this.#provideOne(context, dependency)) continue;
      complete = false;
      if (context.failEarly) return false;
    }
    return complete;
  }

  /** False only where a critical dependency stays unmet. */
  #provideOne(context: Context, dependency: Dependency): boolean {
    const next = { follow: true, depth: context.depth + 1, byRequest: false };
    if (this.#world.holds(dependency)) {
      if (!context.propagate || !dependency.critical) return true;
      const only = onlySolution(this.#world, dependency);
      if (only === undefined) return true;
      const state = this.#world.stateOf(only);
      if (state.fixed) return true;
      state.fixed = true;
      return this.install(state, next);
    }
    if (!dependency.critical && this.#isOldUnmetWish(context.state, dependency)) return true;
    const possible = solutions(this.#world, dependency, candidateOf);
    for (const version of possible) {
      const state = this.#world.stateOf(version);
      if (state.candidate !== version) continue;
      if (context.propagate && dependency.critical && possible.length === 1) {
        if (!this.install(state, { ...next, follow: false })) continue;
        state.fixed = true;
      }
      if (this.install(state, next)) return true;
    }
    return !dependency.critical;
  }

  /** A Recommends that the present version had already, and that was not met: an upgrade does not follow it. */
  #isOldUnmetWish(state: State, dependency: Dependency): boolean {
    if (state.current === undefined) return false;
    const same = dependenciesOf(state.current).filter(
      (old) => !old.critical && old.alternatives.some(({ name }) => name === dependency.alternatives[0]?.name),
    );
    return same.length > 0 && !same.some((old) => this.#world.holds(old, currentOf));
  }

  #removeDelayed(context: Context): boolean {
    let complete = true;
    for (const state of context.removals) {
      if (this.remove(state, context.depth)) continue;
      if (context.failEarly) return false;
      complete = false;
    }
    return complete;
  }
}

/** What one decision carries along while it propagates. */
interface Context {
  readonly state: State;
  readonly depth: number;
  /** The decision was fixed before: what follows from it without a choice is fixed too. */
  readonly propagate: boolean;
  /** Give up at the first failure. */
  readonly failEarly: boolean;
  readonly upgrades: State[];
  readonly removals: State[];
}
