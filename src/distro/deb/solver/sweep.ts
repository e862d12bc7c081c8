import type { OrGroup } from '../../types.ts';
import { dependenciesOf } from './dependency.ts';
import { chosenOf, type State, type World } from './world.ts';

/** Suggests are never installed for, but like apt's they keep what is already marked. */
function suggestionsOf(state: State): readonly OrGroup[] {
  return state.chosen?.relations.suggests ?? [];
}

/** New packages that came in for an alternative which was later taken back: nothing needs them. */
export function unneeded(world: World): readonly State[] {
  const needed = new Set<State>();
  const queue: State[] = [];
  const need = (state: State): void => {
    if (needed.has(state)) return;
    needed.add(state);
    queue.push(state);
  };
  for (const state of [...world.touched()]) {
    if (state.chosen === undefined) continue;
    if (state.current !== undefined || !state.automatic || state.chosen.essential) need(state);
  }
  const picked = world.picked(chosenOf);
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    const { chosen } = state;
    if (chosen === undefined) continue;
    const wants = dependenciesOf(chosen).filter(({ negative }) => !negative);
    for (const alternatives of suggestionsOf(state)) {
      wants.push({ owner: chosen, field: 'Recommends', negative: false, critical: false, alternatives });
    }
    for (const dependency of wants) {
      for (const relation of dependency.alternatives) {
        for (const version of world.meeting(dependency, relation, picked)) need(world.stateOf(version));
      }
    }
  }
  return [...world.touched()].filter(
    (state) => state.chosen !== undefined && state.current === undefined && !needed.has(state),
  );
}
