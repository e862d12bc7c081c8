import type { OrGroup, Relation } from '../../types.ts';
import { formatRelations } from '../relations.ts';
import { type Dependency, dependenciesOf } from './dependency.ts';
import { solutions } from './preference.ts';
import type { WhyStep } from './types.ts';
import { type Node, targetName, type Version, versionMeets } from './universe.ts';
import { chosenOf, type World } from './world.ts';

/** Steps of a chain; longer ones exist only in made-up indexes. */
const MAX_CHAIN = 60;

const groupText = (group: OrGroup): string => formatRelations([group]);

/** Shortest chains from the requests to every chosen package. */
export function reasonsOf(world: World, roots: readonly (readonly [string, WhyStep])[]): Map<string, WhyStep[]> {
  const reasons = new Map<string, WhyStep[]>();
  const queue: Version[] = [];
  const reach = (version: Version | undefined, chain: WhyStep[]): void => {
    if (version === undefined || reasons.has(version.name)) return;
    reasons.set(version.name, chain);
    queue.push(version);
  };
  for (const [name, step] of roots) reach(world.state(name)?.chosen, [step]);
  const picked = world.picked(chosenOf);
  for (let at = 0; at < queue.length; at += 1) {
    const version = queue[at] as Version;
    const chain = reasons.get(version.name) ?? [];
    for (const dependency of dependenciesOf(version)) {
      if (dependency.negative || !world.isImportant(dependency)) continue;
      const step = { package: version.name, field: dependency.field, wants: groupText(dependency.alternatives) };
      for (const relation of dependency.alternatives) {
        for (const target of world.meeting(dependency, relation, picked)) reach(target, [...chain, step]);
      }
    }
  }
  return reasons;
}

/** What the indexes have under the name of a relation that nothing meets. */
function whatThereIs(world: World, relation: Relation): string {
  const node = world.node(targetName(relation, world.universe.architecture));
  const versions = node?.versions.map(({ version }) => version) ?? [];
  const candidate = node === undefined ? undefined : world.initialCandidate(node);
  if (candidate === undefined && versions.length > 0) {
    return `${relation.name} is excluded, or pins leave none of its versions`;
  }
  if (candidate !== undefined && versions.some((version) => versionMeets(relation, version))) {
    return `pins leave ${relation.name} at ${candidate.version}`;
  }
  if (versions.length > 0) return `${relation.name} is there only as ${versions.slice(0, 3).join(', ')}`;
  const providers = node?.providers ?? [];
  if (providers.length === 0) return `no repository has ${relation.name}`;
  const shown = providers.slice(0, 3).map(({ owner, as }) => `${owner.name}${as === undefined ? '' : ` (as ${as})`}`);
  return `${relation.name} is only provided by ${shown.join(', ')}`;
}

const named = (version: Version): string => `${version.name} ${version.version}`;

function initialSolutions(world: World, dependency: Dependency): Version[] {
  const initial = (node: Node): Version | undefined => world.initialCandidate(node);
  const found = new Set<Version>();
  for (const relation of dependency.alternatives) {
    for (const version of world.meeting(dependency, relation, initial)) found.add(version);
  }
  return [...found];
}

/** One conflict chain under construction. */
interface Search {
  readonly world: World;
  readonly chain: string[];
  readonly seen: Set<Version>;
}

const asks = (dependency: Dependency): string =>
  `${named(dependency.owner)} has ${dependency.field}: ${groupText(dependency.alternatives)}`;

/** Follows dependencies downwards until one cannot be met at all, or meets a conflict with what was decided. */
function descend(search: Search, version: Version): boolean {
  const { world, chain, seen } = search;
  if (seen.has(version) || chain.length >= MAX_CHAIN) return false;
  seen.add(version);
  const critical = dependenciesOf(version).filter((dependency) => dependency.critical);
  for (const dependency of critical) {
    const against = dependency.negative ? conflictPartner(world, dependency) : undefined;
    if (against === undefined) continue;
    chain.push(`${asks(dependency)}, and ${named(against)} is needed`);
    return true;
  }
  return critical.some((dependency) => !dependency.negative && descendInto(search, dependency));
}

function descendInto(search: Search, dependency: Dependency): boolean {
  const { world, chain } = search;
  const held = world.holds(dependency);
  const possible = held ? solutions(world, dependency, chosenOf) : initialSolutions(world, dependency);
  if (possible.length === 0) {
    const there = dependency.alternatives.map((relation) => whatThereIs(world, relation));
    chain.push(`${asks(dependency)}, but ${there.join('; ')}`);
    return true;
  }
  chain.push(asks(dependency));
  for (const next of possible) {
    const blocker = held ? undefined : whoRefuses(world, next);
    if (blocker !== undefined) chain.push(blocker);
    if (blocker !== undefined || descend(search, next)) return true;
  }
  chain.pop();
  return false;
}

/** The fixed package that a conflict of a version hits. */
function conflictPartner(world: World, dependency: Dependency): Version | undefined {
  return solutions(world, dependency, chosenOf).find((version) => world.stateOf(version).fixed);
}

/** A decided package whose Conflicts or Breaks hit this version. */
function whoRefuses(world: World, version: Version): string | undefined {
  for (const state of [...world.touched()]) {
    if (state.chosen === undefined || state.node.name === version.name) continue;
    for (const dependency of dependenciesOf(state.chosen)) {
      if (!dependency.negative) continue;
      const hits = initialSolutions(world, dependency).includes(version);
      if (hits) {
        return `${named(state.chosen)}, which is needed too, has ${dependency.field}: ${groupText(dependency.alternatives)}, which ${named(version)} meets`;
      }
    }
  }
  return undefined;
}

/** Readable steps from a request to what cannot be met. */
export function conflictChain(world: World, requested: readonly string[]): readonly string[] {
  const broken = [...world.touched()].filter((state) => world.isBroken(state));
  const starts = [
    ...requested.map((name) => world.state(name)).filter((state) => state !== undefined),
    ...broken.filter((state) => !requested.includes(state.node.name)),
  ];
  for (const state of starts) {
    const version = state.chosen ?? state.candidate ?? world.initialCandidate(state.node);
    if (version === undefined) continue;
    const chain = [
      requested.includes(state.node.name) ? `${named(version)} is requested` : `${named(version)} is needed`,
    ];
    if (descend({ world, chain, seen: new Set() }, version)) return chain;
  }
  const [first] = broken;
  const unmet = first === undefined ? undefined : world.brokenDependency(first);
  if (first?.chosen === undefined || unmet === undefined) return ['the requested packages exclude each other'];
  return [`${named(first.chosen)} has ${unmet.field}: ${groupText(unmet.alternatives)}, which the rest does not allow`];
}
