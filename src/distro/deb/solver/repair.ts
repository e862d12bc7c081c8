import { type Dependency, dependenciesOf } from './dependency.ts';
import type { Marker } from './marker.ts';
import { type Node, providerMeets, targetName, type Version, versionMeets } from './universe.ts';
import { candidateOf, chosenOf, currentOf, type State, type World } from './world.ts';

/** Rounds over the broken packages before giving up; apt's own default. */
const MAX_ROUNDS = 20;

const PRIORITY_SCORES = [0, 3, 2, 1, -1, -2] as const;
const ESSENTIAL_SCORE = 100;
const PRESENT_SCORE = 1;
const FIXED_SCORE = 10_000;
const ADD_ESSENTIAL_SCORE = 5000;

/** How much harm changing a package does: its priority, what is chosen and depends on it, whether it was asked for. */
function scoreAll(world: World): Map<State, number> {
  const own = new Map<State, number>();
  const states = [...world.touched()].filter(({ chosen }) => chosen !== undefined);
  const add = (scores: Map<State, number>, state: State, points: number): void => {
    scores.set(state, (scores.get(state) ?? 0) + points);
  };
  const picked = world.picked(chosenOf);
  for (const state of states) {
    const chosen = state.chosen as Version;
    if (chosen.essential) add(own, state, ESSENTIAL_SCORE);
    add(own, state, PRIORITY_SCORES[chosen.offered === undefined ? 5 : chosen.priority] ?? -2);
    if (state.current !== undefined && state.candidate?.offered !== undefined) add(own, state, PRESENT_SCORE);
    for (const dependency of dependenciesOf(chosen)) {
      for (const relation of dependency.alternatives) {
        const met = new Set(world.meeting(dependency, relation, picked));
        for (const version of met) add(own, world.stateOf(version), dependency.negative ? -1 : 1);
      }
    }
  }
  const scores = new Map(own);
  for (const state of states) {
    const points = own.get(state) ?? 0;
    if (points <= 0) continue;
    for (const dependency of dependenciesOf(state.chosen as Version)) {
      if (dependency.negative) continue;
      for (const relation of dependency.alternatives) {
        const target = world.state(targetName(relation, world.universe.architecture));
        if (target?.chosen !== undefined) add(scores, target, points);
      }
    }
  }
  for (const state of states) {
    if (state.fixed) add(scores, state, FIXED_SCORE);
    if (state.chosen?.essential === true) add(scores, state, ADD_ESSENTIAL_SCORE);
  }
  return scores;
}

/** Every version of any package that meets a relation, real ones first. */
function* targets(world: World, dependency: Dependency, node: Node | undefined): Generator<Version> {
  const relation = dependency.alternatives[0];
  if (node === undefined || relation === undefined) return;
  const { owner, negative } = dependency;
  for (const version of node.versions) {
    if (!(negative && node.name === owner.name) && versionMeets(relation, version.version)) yield version;
  }
  for (const provider of node.providers) {
    if (negative && provider.owner.name === owner.name) continue;
    if (providerMeets(relation, provider) && world.node(provider.owner.name) !== undefined) yield provider.owner;
  }
}

/**
 * Brings what the marking left broken into order, from the package whose change would hurt most downwards: a broken
 * package is kept as it was, upgraded or removed, or else what it conflicts with is. After pkgProblemResolver.
 * True when nothing is broken in the end.
 */
export function repair(world: World, marker: Marker): boolean {
  if (world.brokenCount() === 0) return true;
  const scores = scoreAll(world);
  const order = [...world.touched()]
    .filter((state) => state.chosen !== undefined)
    .sort((a, b) => (scores.get(b) ?? 0) - (scores.get(a) ?? 0));
  for (let round = 0, changed = true; round < MAX_ROUNDS && changed; round += 1) {
    changed = false;
    for (const state of order) {
      if (state.chosen === undefined || !world.isBroken(state)) continue;
      if (repairOne({ world, marker, scores, round }, state)) changed = true;
    }
  }
  return world.brokenCount() === 0;
}

interface Repair {
  readonly world: World;
  readonly marker: Marker;
  readonly scores: Map<State, number>;
  readonly round: number;
}

interface Kill {
  readonly state: State;
  readonly dependency: Dependency;
}

/** Works on the first broken dependencies of one package. True when anything changed. */
function repairOne(context: Repair, state: State): boolean {
  const { world } = context;
  const kills: Kill[] = [];
  let changed = false;
  for (const dependency of dependenciesOf(state.chosen as Version)) {
    if (!dependency.critical || world.holds(dependency)) continue;
    const outcome = repairDependency(context, state, dependency, kills);
    if (outcome === 'nothing') continue;
    changed = true;
    if (outcome === 'stop') break;
  }
  if (state.chosen !== undefined && applyKills(context, state, kills)) changed = true;
  return changed;
}

function repairDependency(
  context: Repair,
  state: State,
  dependency: Dependency,
  kills: Kill[],
): 'nothing' | 'changed' | 'stop' {
  const { world, marker } = context;
  const several = dependency.alternatives.length > 1;
  const before = kills.length;
  let any = false;
  for (const relation of dependency.alternatives) {
    const single = { ...dependency, alternatives: [relation] };
    const node = world.node(targetName(relation, world.universe.architecture));
    const possible = [...new Set(targets(world, single, node))];
    if (possible.length > 0) any = true;
    const outcome = tryTargets(context, state, single, possible, several, kills);
    if (outcome === 'done' && !several) return 'stop';
    if (world.holds(dependency)) return 'changed';
  }
  if (!any && !dependency.negative && !state.fixed) {
    marker.keep(state);
    if (world.isBroken(state)) marker.remove(state);
    return 'stop';
  }
  if (several && kills.length === before && !state.fixed) {
    marker.remove(state);
    return 'changed';
  }
  return kills.length === before ? 'nothing' : 'changed';
}

function tryTargets(
  context: Repair,
  state: State,
  dependency: Dependency,
  possible: readonly Version[],
  several: boolean,
  kills: Kill[],
): 'done' | 'next' {
  const { world, marker, scores } = context;
  for (const version of possible) {
    const other = world.stateOf(version);
    if (dependency.negative && other.chosen !== version) continue;
    const yields = (scores.get(state) ?? 0) <= (scores.get(other) ?? 0);
    const neverHeld = !world.holds(dependency, currentOf) && !dependency.negative;
    if (yields || neverHeld) {
      if (state.fixed) {
        if (upgrade(context, other)) return 'next';
        continue;
      }
      changeSelf(context, state, other, dependency, several);
      return 'done';
    }
    if (dependency.field === 'Breaks' && world.holds(dependency, candidateOf)) {
      marker.install(other, { follow: false, depth: 0, byRequest: false });
      continue;
    }
    if (other.fixed && other.mode !== 'delete') continue;
    kills.push({ state: other, dependency });
    if (!dependency.negative) break;
  }
  return 'next';
}

/** The package with the broken dependency gives way: stays as it was, is upgraded, or goes. */
function changeSelf(context: Repair, state: State, other: State, dependency: Dependency, several: boolean): void {
  const { world, marker, scores, round } = context;
  const wasInstalled = state.mode === 'install';
  marker.keep(state);
  if (!world.isBroken(state)) {
    if (several && wasInstalled) marker.install(state, { follow: false, depth: 0, byRequest: false });
    return;
  }
  if (upgrade(context, state)) return;
  if (!several) {
    marker.remove(state);
    const [theirs, ours] = [scores.get(other) ?? 0, scores.get(state) ?? 0];
    if (round > 1 && theirs > ours) scores.set(state, theirs);
    return;
  }
  const relation = dependency.alternatives[0];
  const target = relation === undefined ? undefined : world.state(targetName(relation, world.universe.architecture));
  if (target === undefined || target.current !== undefined || target.candidate === undefined) return;
  const broken = world.brokenCount();
  marker.install(target, { follow: true, depth: 1, byRequest: false });
  if (world.isBroken(target) || world.brokenCount() > broken) marker.remove(target, 1);
}

/** Takes the candidate of a package when its dependencies then hold, or can be made to in the same way. */
function upgrade(context: Repair, state: State, depth = 0): boolean {
  const { world, marker } = context;
  if (state.fixed || state.candidate === undefined || state.candidate === state.current || depth > 50) return false;
  if (state.mode === 'install') return false;
  if (!marker.install(state, { follow: false, depth: 0, byRequest: false })) return false;
  for (const dependency of dependenciesOf(state.candidate)) {
    if (!dependency.critical || world.holds(dependency) || dependency.negative) continue;
    const met = dependency.alternatives.some((relation) => {
      const target = world.state(targetName(relation, world.universe.architecture));
      return target !== undefined && !target.fixed && upgrade(context, target, depth + 1);
    });
    if (met) continue;
    marker.keep(state);
    return false;
  }
  return true;
}

function applyKills(context: Repair, state: State, kills: readonly Kill[]): boolean {
  const { world, marker, scores, round } = context;
  let changed = false;
  for (const kill of kills) {
    const heldBefore = world.holds(kill.dependency, currentOf);
    const done = heldBefore ? marker.keep(kill.state) : kill.dependency.negative && marker.remove(kill.state);
    if (done) changed = true;
    const [ours, theirs] = [scores.get(state) ?? 0, scores.get(kill.state) ?? 0];
    if ((!done || round > 1) && ours > theirs) {
      scores.set(kill.state, ours);
      changed = true;
    }
  }
  return changed;
}
