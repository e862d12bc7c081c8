import type { RepositoryPackage } from '../../types.ts';
import { compareVersions, satisfies } from '../version.ts';
import { solverError } from './errors.ts';
import { conflictChain, reasonsOf } from './explain.ts';
import { Marker } from './marker.ts';
import { nearestNames } from './nearest.ts';
import type { Preferences } from './policy.ts';
import { repair } from './repair.ts';
import { unneeded } from './sweep.ts';
import type { Conflict, PackageRequest, PresentPackage, Solution, Solved, UnknownPackage, WhyStep } from './types.ts';
import type { Node, PackageUniverse, Version } from './universe.ts';
import { type State, World } from './world.ts';

export interface SolveOptions {
  readonly universe: PackageUniverse;
  /** Packages that are already there; kept unless they must be upgraded or conflict. */
  readonly installed: readonly PresentPackage[];
  /** In the order that apt would be given them: the order decides between equal alternatives. */
  readonly requests: readonly PackageRequest[];
  readonly architecture: string;
  /** Follow Recommends. */
  readonly recommends: boolean;
  /** Request every `Essential: yes` package too, before the rest, by name. */
  readonly essential: boolean;
  /** Pins and exclusions; default: apt's own priorities. */
  readonly preferences?: Preferences;
}

/** A version by request, or what is wrong with the request. */
function resolveRequest(world: World, request: PackageRequest): Version | UnknownPackage | Conflict {
  const { name, architecture } = request;
  const wanted = wantedText(request);
  const node = world.node(name);
  if (architecture !== undefined && architecture !== 'all' && architecture !== world.universe.architecture) {
    return { kind: 'unknown-package', name, wanted: architecture, nearest: [world.universe.architecture] };
  }
  const candidate =
    node === undefined || node.versions.length === 0 ? onlyProvider(world, node) : choice(world, node, request);
  if (candidate !== undefined) return candidate;
  if (node !== undefined && node.versions.length > 0) {
    const versions = node.versions.map(({ version }) => version);
    if (versions.some((version) => meetsRequest(request, version))) {
      const chain = [`${name} is requested`, `pins leave none of its versions (${versions.join(', ')})`];
      return { kind: 'conflict', chain };
    }
    return { kind: 'unknown-package', name, ...(wanted === undefined ? {} : { wanted }), nearest: versions };
  }
  const providers = [...new Set(node?.providers.map(({ owner }) => owner.name))].sort();
  return {
    kind: 'unknown-package',
    name,
    nearest: providers.length > 0 ? providers : nearestNames(name, world.universe.names()),
  };
}

function wantedText({ version, constraints = [] }: PackageRequest): string | undefined {
  if (version !== undefined) return version;
  if (constraints.length === 0) return undefined;
  return `(${constraints.map((limit) => `${limit.operator} ${limit.version}`).join(', ')})`;
}

/** Does a version meet what a request says of it? */
export function meetsRequest({ version: wanted, constraints = [] }: PackageRequest, version: string): boolean {
  return (
    (wanted === undefined || compareVersions(version, wanted) === 0) &&
    constraints.every((limit) => satisfies(version, limit.operator, limit.version))
  );
}

function choice(world: World, node: Node, request: PackageRequest): Version | undefined {
  const usual = world.initialCandidate(node);
  if (usual !== undefined && meetsRequest(request, usual.version)) return usual;
  const { version: wanted } = request;
  // As `apt-get install name=version`: whatever its priority.
  if (wanted !== undefined) return node.versions.find(({ version }) => compareVersions(version, wanted) === 0);
  return world.best(node, ({ version }) => meetsRequest(request, version));
}

/** A virtual name stands for its provider when it has exactly one. */
function onlyProvider(world: World, node: Node | undefined): Version | undefined {
  const owners = new Set(node?.providers.map(({ owner }) => owner.name));
  const [name] = owners;
  if (owners.size !== 1 || name === undefined) return undefined;
  const owner = world.node(name);
  return owner === undefined ? undefined : world.initialCandidate(owner);
}

function result(world: World, roots: readonly (readonly [string, WhyStep])[]): Solved {
  const packages: RepositoryPackage[] = [];
  const removed: string[] = [];
  for (const { node, chosen, current } of world.touched()) {
    if (chosen === undefined && current !== undefined) removed.push(node.name);
    if (chosen !== undefined && chosen !== current && chosen.offered !== undefined) packages.push(chosen.offered);
  }
  packages.sort((a, b) => (a.name < b.name ? -1 : 1));
  const reasons = reasonsOf(world, roots);
  return { kind: 'solved', packages, removed: removed.sort(), reasons };
}

/**
 * The packages that `apt-get install` would install or upgrade for the same request.
 * Pure: the same input gives the same answer. Never throws for what a request or an index can hold.
 *
 * @see https://www.debian.org/doc/debian-policy/ch-relationships.html
 */
export function solve(options: SolveOptions): Solution {
  const universe = options.universe.forArchitecture(options.architecture);
  const world = new World(universe, options.installed, options.recommends, options.preferences);
  const essential = options.essential ? universe.essentialNames().map((name) => ({ name })) : [];
  const wanted = new Map<State, readonly [string, WhyStep]>();
  for (const request of [...essential, ...options.requests]) {
    const version = resolveRequest(world, request);
    if ('kind' in version) return version;
    world.select(version);
    const field = wanted.size < essential.length ? 'Essential' : 'Request';
    const step: WhyStep = { package: undefined, field, wants: request.name };
    const state = world.stateOf(version);
    if (!wanted.has(state)) wanted.set(state, [version.name, step]);
  }
  const marker = new Marker(world);
  const states = [...wanted.keys()];
  // Both passes are apt's: everything requested is decided before anything is followed.
  for (const state of states) {
    state.fixed = true;
    marker.install(state, { follow: false, depth: 0, byRequest: true });
  }
  for (const state of states) marker.install(state, { follow: true, depth: 0, byRequest: true });
  const names = states.map(({ node }) => node.name);
  if (!repair(world, marker)) return { kind: 'conflict', chain: conflictChain(world, names) };
  for (const state of unneeded(world)) marker.remove(state);
  return result(world, [...wanted.values()]);
}

/**
 * As `solve`, with the two failures thrown.
 *
 * @throws SOLVE_UNKNOWN_PACKAGE, SOLVE_CONFLICT
 */
export function solveOrThrow(options: SolveOptions): Solved {
  const solution = solve(options);
  if (solution.kind === 'solved') return solution;
  if (solution.kind === 'conflict') {
    throw solverError('SOLVE_CONFLICT', `packages cannot be installed together: ${solution.chain.join('; ')}`, {
      hint: 'Leave one of the packages out, or add the repository that has the missing version.',
      details: { chain: solution.chain },
    });
  }
  const { name, wanted, nearest } = solution;
  throw solverError('SOLVE_UNKNOWN_PACKAGE', `no repository has ${name}${wanted === undefined ? '' : ` ${wanted}`}`, {
    hint: nearest.length === 0 ? 'Check the name and the distribution.' : `There is: ${nearest.join(', ')}.`,
    details: { name, nearest },
  });
}
