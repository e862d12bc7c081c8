import type { PackageRelations, Relation, RepositoryPackage, RepositorySnapshot } from '../../types.ts';
import { compareVersions, satisfies } from '../version.ts';
import { mentionOrder } from './mention-order.ts';
import type { PresentPackage } from './types.ts';

/** One version of one package as the solver sees it: from a repository, or present in the image. */
export interface Version {
  readonly name: string;
  readonly version: string;
  readonly multiArch: RepositoryPackage['multiArch'];
  readonly essential: boolean;
  /** 1 required … 5 extra: lower wins between providers. */
  readonly priority: number;
  readonly relations: PackageRelations;
  readonly source: string;
  readonly sourceVersion: string;
  /** Undefined for a present package that no repository offers any more. */
  readonly offered: RepositoryPackage | undefined;
  readonly notAutomatic: boolean;
  /** Every index that offers it; empty for a present package that none offers. */
  readonly origins: readonly RepositorySnapshot[];
}

/** A version that provides a name, with the version it provides it at (undefined: unversioned). */
export interface Provider {
  readonly owner: Version;
  readonly as: string | undefined;
}

/** Everything known under one name: real versions, highest first, and providers. */
export interface Node {
  readonly name: string;
  readonly versions: readonly Version[];
  readonly providers: readonly Provider[];
}

const PRIORITIES: Readonly<Record<string, number>> = { required: 1, important: 2, standard: 3, optional: 4, extra: 5 };

/** The name under which a relation is looked up: `python3:any` is provided only by Multi-Arch: allowed packages. */
export function targetName(relation: Relation, architecture: string): string {
  const { name, qualifier } = relation;
  if (qualifier === undefined || qualifier === 'native' || qualifier === architecture) return name;
  return `${name}:${qualifier}`;
}

/** Does a real version meet the version part of a relation? */
export function versionMeets(relation: Relation, version: string): boolean {
  if (relation.operator === undefined || relation.version === undefined) return true;
  return satisfies(version, relation.operator, relation.version);
}

/** An unversioned provide never meets a versioned relation (policy 7.5). */
export function providerMeets(relation: Relation, provider: Provider): boolean {
  if (relation.operator === undefined) return true;
  return provider.as !== undefined && versionMeets(relation, provider.as);
}

export function presentVersion(present: PresentPackage): Version {
  return {
    name: present.name,
    version: present.version,
    multiArch: present.multiArch,
    essential: present.essential,
    priority: 4,
    relations: present.relations,
    source: present.source.name,
    sourceVersion: present.source.version,
    offered: undefined,
    notAutomatic: false,
    origins: NONE,
  };
}

const NONE: readonly never[] = Object.freeze([]);

function offeredVersion(
  offered: RepositoryPackage,
  notAutomatic: boolean,
  origins: readonly RepositorySnapshot[],
): Version {
  return {
    name: offered.name,
    version: offered.version,
    multiArch: offered.multiArch,
    essential: offered.essential,
    priority: PRIORITIES[offered.priority] ?? 5,
    relations: offered.relations,
    source: offered.source.name,
    sourceVersion: offered.source.version,
    offered,
    notAutomatic,
    origins,
  };
}

/** Names a version is found under besides its own. */
export function* providedNames(version: Version): Generator<[string, Provider]> {
  const allowed = version.multiArch === 'allowed';
  for (const provided of version.relations.provides) {
    const provider = { owner: version, as: provided.version };
    if (provided.qualifier !== undefined) {
      yield [`${provided.name}:${provided.qualifier}`, provider];
      continue;
    }
    yield [provided.name, provider];
    if (allowed) yield [`${provided.name}:any`, provider];
  }
  if (allowed) yield [`${version.name}:any`, { owner: version, as: version.version }];
}

/** All packages of one architecture, by name. Immutable; one serves any number of solves. */
export interface ArchitectureUniverse {
  readonly architecture: string;
  node(name: string): Node | undefined;
  names(): Iterable<string>;
  /** The version apt's policy installs without being told which: highest, NotAutomatic only when nothing else is. */
  candidate(node: Node): Version | undefined;
  essentialNames(): readonly string[];
  /** Position of the first mention of a name in the indexes: apt's last word between equal providers. */
  mention(name: string): number;
}

/** Package indexes joined for solving. Built once per set of snapshots; architectures are indexed when first asked for. */
export interface PackageUniverse {
  readonly snapshots: readonly RepositorySnapshot[];
  forArchitecture(architecture: string): ArchitectureUniverse;
}

type MutableVersion = { -readonly [Key in keyof Version]: Version[Key] };

interface MutableNode {
  readonly name: string;
  readonly versions: MutableVersion[];
  readonly providers: Provider[];
}

/** Keeps versions sorted, highest first; the same version seen again keeps the first one (apt: first source listed). */
function insertVersion(versions: MutableVersion[], added: Version): boolean {
  let at = 0;
  for (; at < versions.length; at += 1) {
    const known = versions[at] as MutableVersion;
    const order = compareVersions(added.version, known.version);
    if (order > 0) break;
    if (order === 0) {
      known.origins = [...known.origins, ...added.origins];
      // Providers point to the object that is there: it takes over, but is not replaced.
      if (known.notAutomatic && !added.notAutomatic) {
        known.notAutomatic = false;
        known.offered = added.offered;
      }
      return false;
    }
  }
  versions.splice(at, 0, added);
  return true;
}

function buildNodes(snapshots: readonly RepositorySnapshot[], architecture: string): Map<string, MutableNode> {
  const nodes = new Map<string, MutableNode>();
  const nodeFor = (name: string): MutableNode => {
    let node = nodes.get(name);
    if (node === undefined) {
      node = { name, versions: [], providers: [] };
      nodes.set(name, node);
    }
    return node;
  };
  for (const snapshot of snapshots) {
    const origins = [snapshot];
    for (const offered of snapshot.packages) {
      if (offered.architecture !== architecture && offered.architecture !== 'all') continue;
      const version = offeredVersion(offered, snapshot.notAutomatic, origins);
      if (!insertVersion(nodeFor(offered.name).versions, version)) continue;
      for (const [name, provider] of providedNames(version)) nodeFor(name).providers.push(provider);
    }
  }
  return nodes;
}

function indexArchitecture(snapshots: readonly RepositorySnapshot[], architecture: string): ArchitectureUniverse {
  const nodes = buildNodes(snapshots, architecture);
  let essential: readonly string[] | undefined;
  const mention = mentionOrder(snapshots, architecture);
  const candidate = (node: Node): Version | undefined =>
    node.versions.find((version) => !version.notAutomatic) ?? node.versions[0];
  return {
    architecture,
    node: (name) => nodes.get(name),
    names: () => nodes.keys(),
    candidate,
    essentialNames: () => {
      essential ??= [...nodes.values()]
        .filter((node) => candidate(node)?.essential === true)
        .map((node) => node.name)
        .sort();
      return essential;
    },
    mention,
  };
}

export function createUniverse(snapshots: readonly RepositorySnapshot[]): PackageUniverse {
  const known = new Map<string, ArchitectureUniverse>();
  return {
    snapshots,
    forArchitecture: (architecture) => {
      let universe = known.get(architecture);
      if (universe === undefined) {
        universe = indexArchitecture(snapshots, architecture);
        known.set(architecture, universe);
      }
      return universe;
    },
  };
}
