import type { Dependency } from './dependency.ts';
import { targetName, type Version } from './universe.ts';
import { candidateOf, currentOf, type Picker, type World } from './world.ts';

/** apt treats itself as essential. */
const isEssential = (version: Version): boolean => version.essential || version.name === 'apt';

/**
 * Order of versions that meet one alternative, best first: decided already, present, the named package itself before
 * providers, essential, higher priority, and at last the one the indexes mention later.
 */
function preference(world: World, target: string) {
  return (a: Version, b: Version): number => {
    const [left, right] = [world.stateOf(a), world.stateOf(b)];
    if (left.fixed !== right.fixed) return left.fixed ? -1 : 1;
    const [leftPresent, rightPresent] = [left.current !== undefined, right.current !== undefined];
    if (leftPresent !== rightPresent) return leftPresent ? -1 : 1;
    if (a.name !== b.name && (a.name === target || b.name === target)) return a.name === target ? -1 : 1;
    if (isEssential(a) !== isEssential(b)) return isEssential(a) ? -1 : 1;
    if (a.priority !== b.priority) return a.priority - b.priority;
    return world.universe.mention(b.name) - world.universe.mention(a.name);
  };
}

/** What the alternatives of a dependency can be met with, in the order in which apt tries it. */
export function solutions(world: World, dependency: Dependency, pick: Picker): Version[] {
  const present: Version[] = [];
  const absent: Version[] = [];
  const picked = world.picked(pick);
  for (const relation of dependency.alternatives) {
    const found = [...new Set(world.meeting(dependency, relation, picked))];
    if (found.length > 1) found.sort(preference(world, targetName(relation, world.universe.architecture)));
    for (const version of found) (world.stateOf(version).current === undefined ? absent : present).push(version);
  }
  const all = [...new Set([...present, ...absent])];
  return dependency.negative ? all : all.filter((version) => !isRuledOut(world, version));
}

/** Fixed to be absent. */
function isRuledOut(world: World, version: Version): boolean {
  const state = world.stateOf(version);
  return state.fixed && (state.mode === 'delete' || (state.mode === 'keep' && state.current === undefined));
}

/** The one version that could ever meet a dependency, present or candidate; undefined when there are several or none. */
export function onlySolution(world: World, dependency: Dependency): Version | undefined {
  const all = new Set<Version>();
  for (const pick of [candidateOf, currentOf]) {
    const picked = world.picked(pick);
    for (const relation of dependency.alternatives) {
      for (const version of world.meeting(dependency, relation, picked)) {
        if (!isRuledOut(world, version)) all.add(version);
      }
    }
  }
  return all.size === 1 ? [...all][0] : undefined;
}
