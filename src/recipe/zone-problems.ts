import type { FleetZone } from './fleet-rollout-types.ts';
import type { Problem } from './problems.ts';

type Path = readonly (string | number)[];
const problem = (path: Path, message: string): Problem => ({ path, atKey: false, message });

const MEMBERS = ['clusters', 'namespaces', 'hosts', 'git'] as const;

/** @param repositories names of `rollout.git` */
export function zoneProblems(zones: readonly FleetZone[], repositories: ReadonlySet<string>): readonly Problem[] {
  const known = new Set(zones.map(({ name }) => name));
  const names = new Set<string>();
  const owners = new Map<string, string>();
  const problems = zones.flatMap((zone, index) => {
    const at = ['zones', index];
    const own: Problem[] = [];
    if (names.has(zone.name)) own.push(problem([...at, 'name'], `${zone.name} stands twice`));
    names.add(zone.name);
    if (MEMBERS.every((kind) => zone[kind] === undefined)) {
      own.push(problem(at, `at least one of ${MEMBERS.join(', ')} is needed: what belongs to it`));
    }
    if (zone.registry?.passwordFile !== undefined && zone.registry.username === undefined) {
      own.push(problem([...at, 'registry'], 'the key "username" is missing: whose password it is'));
    }
    for (const [place, to] of (zone.to ?? []).entries()) {
      if (!known.has(to)) own.push(problem([...at, 'to', place], `there is no zone ${to}`));
    }
    return [...own, ...memberProblems(zone, at, owners, repositories)];
  });
  return [...problems, ...cycleProblems(zones)];
}

function memberProblems(
  zone: FleetZone,
  at: Path,
  owners: Map<string, string>,
  repositories: ReadonlySet<string>,
): readonly Problem[] {
  return MEMBERS.flatMap((kind) =>
    (zone[kind] ?? []).flatMap((member, place): readonly Problem[] => {
      const path = [...at, kind, place];
      if (kind === 'git' && !repositories.has(member)) {
        return [problem(path, `rollout.git has no repository ${member}`)];
      }
      const key = `${kind}\n${member}`;
      const owner = owners.get(key);
      owners.set(key, owner ?? zone.name);
      if (owner === undefined) return [];
      return [problem(path, owner === zone.name ? `${member} stands twice` : `${member} is in the zone ${owner} too`)];
    }),
  );
}

/** An image that came back to where it was would have been promoted by itself. */
function cycleProblems(zones: readonly FleetZone[]): readonly Problem[] {
  const edges = new Map(zones.map(({ name, to = [] }) => [name, to]));
  for (const [index, { name, to = [] }] of zones.entries()) {
    for (const [place, next] of to.entries()) {
      const way = pathBetween(next, name, edges);
      if (way === undefined) continue;
      const text = [name, ...way].join(' → ');
      return [problem(['zones', index, 'to', place], `images would go in a circle: ${text}`)];
    }
  }
  return [];
}

function pathBetween(
  from: string,
  to: string,
  edges: ReadonlyMap<string, readonly string[]>,
): readonly string[] | undefined {
  const came = new Map<string, string | undefined>([[from, undefined]]);
  const queue = [from];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    if (at === to) {
      const way: string[] = [];
      for (let step: string | undefined = at; step !== undefined; step = came.get(step)) way.unshift(step);
      return way;
    }
    for (const next of edges.get(at) ?? []) {
      if (came.has(next)) continue;
      came.set(next, at);
      queue.push(next);
    }
  }
  return undefined;
}
