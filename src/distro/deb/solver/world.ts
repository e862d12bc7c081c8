import type { Relation } from '../../types.ts';
import { compareVersions } from '../version.ts';
import { type Dependency, dependenciesOf } from './dependency.ts';
import { Policy, type Preferences } from './policy.ts';
import type { PresentPackage } from './types.ts';
import {
  type ArchitectureUniverse,
  type Node,
  presentVersion,
  providedNames,
  providerMeets,
  targetName,
  type Version,
  versionMeets,
} from './universe.ts';

export type Mode = 'keep' | 'install' | 'delete';

/** What a solve has decided about one name so far. */
export interface State {
  readonly node: Node;
  /** The version present before the solve. */
  readonly current: Version | undefined;
  /** The version that would be taken; undefined once it was ruled out. */
  candidate: Version | undefined;
  /** The version there will be; undefined: none. */
  chosen: Version | undefined;
  mode: Mode;
  /** The decision may not be changed any more by anything but the request itself. */
  fixed: boolean;
  /** Came in as a dependency: dropped at the end when nothing needs it. */
  automatic: boolean;
}

/** Which version of a package a question is about. */
export type Picker = (state: State) => Version | undefined;

export const chosenOf: Picker = (state) => state.chosen;
export const candidateOf: Picker = (state) => state.candidate;
export const currentOf: Picker = (state) => state.current;

type MutableNode = { name: string; versions: Version[]; providers: { owner: Version; as: string | undefined }[] };

/** The universe, the present packages and the decisions of one solve. */
export class World {
  readonly universe: ArchitectureUniverse;
  readonly recommends: boolean;
  readonly #overlay = new Map<string, MutableNode>();
  readonly #states = new Map<string, State>();
  readonly #present = new Map<string, Version>();
  readonly #selected = new Map<string, Version>();
  readonly #policy: Policy | undefined;
  readonly #preferred = new Map<Node, Version | undefined>();

  constructor(
    universe: ArchitectureUniverse,
    installed: readonly PresentPackage[],
    recommends: boolean,
    preferences?: Preferences,
  ) {
    this.universe = universe;
    this.recommends = recommends;
    this.#policy = preferences === undefined ? undefined : new Policy(preferences);
    for (const present of installed) this.#addPresent(present);
  }

  #addPresent(present: PresentPackage): void {
    const offered = this.node(present.name)?.versions.find(
      (version) => compareVersions(version.version, present.version) === 0,
    );
    if (offered !== undefined) {
      this.#present.set(present.name, offered);
      return;
    }
    const version = presentVersion(present);
    this.#present.set(present.name, version);
    const { versions } = this.#overlayNode(present.name);
    const at = versions.findIndex((known) => compareVersions(known.version, version.version) < 0);
    versions.splice(at < 0 ? versions.length : at, 0, version);
    for (const [name, provider] of providedNames(version)) this.#overlayNode(name).providers.push(provider);
  }

  #overlayNode(name: string): MutableNode {
    let node = this.#overlay.get(name);
    if (node === undefined) {
      const shared = this.universe.node(name);
      node = { name, versions: [...(shared?.versions ?? [])], providers: [...(shared?.providers ?? [])] };
      this.#overlay.set(name, node);
    }
    return node;
  }

  node(name: string): Node | undefined {
    return this.#overlay.get(name) ?? this.universe.node(name);
  }

  /** The candidate before anything was ruled out. */
  initialCandidate(node: Node): Version | undefined {
    const selected = this.#selected.get(node.name);
    if (selected !== undefined) return selected;
    const current = this.#present.get(node.name);
    if (this.#policy !== undefined) return this.#byPolicy(this.#policy, node, current);
    const policy = this.universe.candidate(node);
    if (current === undefined || policy === undefined) return policy ?? current;
    return compareVersions(policy.version, current.version) > 0 && !policy.notAutomatic ? policy : current;
  }

  #byPolicy(policy: Policy, node: Node, current: Version | undefined): Version | undefined {
    if (!this.#preferred.has(node)) this.#preferred.set(node, policy.candidate(node, current) ?? current);
    return this.#preferred.get(node);
  }

  /** The version to take among those that `isWanted`. */
  best(node: Node, isWanted: (version: Version) => boolean): Version | undefined {
    const policy = this.#policy ?? new Policy({ pins: [], excluded: [] });
    return policy.candidate(node, undefined, isWanted);
  }

  /** Asks for one version instead of the policy's; before any decision about that name. */
  select(version: Version): void {
    this.#selected.set(version.name, version);
    const state = this.#states.get(version.name);
    if (state !== undefined) state.candidate = version;
  }

  state(name: string): State | undefined {
    const known = this.#states.get(name);
    if (known !== undefined) return known;
    const node = this.node(name);
    if (node === undefined) return undefined;
    const current = this.#present.get(name);
    const state: State = {
      node,
      current,
      candidate: this.initialCandidate(node),
      chosen: current,
      mode: 'keep',
      fixed: false,
      automatic: false,
    };
    this.#states.set(name, state);
    return state;
  }

  stateOf(version: Version): State {
    return this.state(version.name) as State;
  }

  /** Names decided about, present ones included. */
  *touched(): Generator<State> {
    for (const name of this.#present.keys()) yield this.state(name) as State;
    for (const [name, state] of this.#states) if (!this.#present.has(name)) yield state;
  }

  /**
   * Picked versions that meet one relation of `dependency`: the real package first, then providers in index order.
   * A conflict never concerns the package that declares it, nor what provides a name through that package.
   */
  *meeting(dependency: Dependency, relation: Relation, pick: (node: Node) => Version | undefined): Generator<Version> {
    const target = this.node(targetName(relation, this.universe.architecture));
    if (target === undefined) return;
    const { owner, negative } = dependency;
    const real = target.versions.length > 0 ? pick(target) : undefined;
    if (real !== undefined && !(negative && target.name === owner.name) && versionMeets(relation, real.version)) {
      yield real;
    }
    for (const provider of target.providers) {
      if (negative && provider.owner.name === owner.name) continue;
      const node = this.node(provider.owner.name);
      if (node !== undefined && pick(node) === provider.owner && providerMeets(relation, provider)) {
        yield provider.owner;
      }
    }
  }

  picked(pick: Picker): (node: Node) => Version | undefined {
    return (node) => {
      const state = this.state(node.name);
      return state === undefined ? undefined : pick(state);
    };
  }

  #meets(dependency: Dependency, relation: Relation, pick: (node: Node) => Version | undefined): boolean {
    return this.meeting(dependency, relation, pick).next().done !== true;
  }

  /** Holds with the picked versions: some alternative met, or for a conflict none. */
  holds(dependency: Dependency, pick: Picker = chosenOf): boolean {
    const picked = this.picked(pick);
    const met = dependency.alternatives.some((relation) => this.#meets(dependency, relation, picked));
    return met !== dependency.negative;
  }

  /** Could candidates, as they stood at the start, meet it? apt does not look at candidates ruled out since. */
  wasSatisfiable(dependency: Dependency): boolean {
    const initial = (node: Node): Version | undefined => this.initialCandidate(node);
    return dependency.alternatives.some((relation) => this.#meets(dependency, relation, initial));
  }

  isImportant(dependency: Dependency): boolean {
    return dependency.critical || this.recommends;
  }

  /** A chosen version with a critical relation that does not hold. */
  isBroken(state: State): boolean {
    return this.brokenDependency(state) !== undefined;
  }

  brokenDependency(state: State): Dependency | undefined {
    if (state.chosen === undefined) return undefined;
    return dependenciesOf(state.chosen).find((dependency) => dependency.critical && !this.holds(dependency));
  }

  /** As `isBroken`, wanted Recommends counted too. */
  isIncomplete(state: State): boolean {
    if (state.chosen === undefined) return false;
    return dependenciesOf(state.chosen).some((dependency) => this.isImportant(dependency) && !this.holds(dependency));
  }

  brokenCount(): number {
    let count = 0;
    for (const state of [...this.touched()]) if (this.isBroken(state)) count += 1;
    return count;
  }
}
