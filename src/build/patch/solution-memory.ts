import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCacheFile } from '../../base/index.ts';
import type { RepositoryPackage, RepositorySnapshot } from '../../distro/index.ts';
import type { LayerIndex } from '../../oci/index.ts';
import { systemLayers } from './system-layers.ts';

/** All that the solver is asked. */
export interface UpgradeQuestion {
  /** Of the original's layers, bottom first: they say what is installed. */
  readonly indexes: readonly LayerIndex[];
  /** The image's own. */
  readonly architecture: string;
  readonly snapshots: readonly RepositorySnapshot[];
  readonly requests: readonly {
    readonly name: string;
    readonly version: string;
    readonly architecture: string;
  }[];
}

/**
 * What the solver answered before: a fleet asks the same of every image on the same system. A folder of files that may
 * be deleted at any time.
 */
export interface SolutionMemory {
  upgrades(question: UpgradeQuestion, solve: () => readonly RepositoryPackage[]): Promise<readonly RepositoryPackage[]>;
}

/** To be raised when the solver answers otherwise. */
const FORMAT = 1;

export function createSolutionMemory(directory: string): SolutionMemory {
  return {
    async upgrades(question, solve) {
      const file = join(directory, `${nameOf(question)}.json`);
      const known = find(await readFile(file, 'utf8').catch(() => ''), question.snapshots);
      if (known !== undefined) return known;
      const solved = solve();
      await writeCacheFile(file, JSON.stringify(solved.map(({ repository, sha256 }) => [repository, sha256])));
      return solved;
    },
  };
}

function nameOf({ indexes, architecture, snapshots, requests }: UpgradeQuestion): string {
  const repositories = snapshots.map(({ id, releaseDigest }) => [id, releaseDigest]);
  const wanted = requests.map((request) => [request.name, request.version, request.architecture]);
  const question = [FORMAT, systemLayers(indexes).diffIds, architecture, repositories, wanted.sort()];
  return createHash('sha256').update(JSON.stringify(question)).digest('hex');
}

/** The packages of a record, in its order; undefined for a damaged one, or one that names what nobody offers. */
function find(text: string, snapshots: readonly RepositorySnapshot[]): readonly RepositoryPackage[] | undefined {
  const places = new Map<string, number>();
  try {
    for (const [at, [repository, sha256]] of (JSON.parse(text) as [string, string][]).entries()) {
      places.set(`${repository} ${sha256}`, at);
    }
  } catch {
    return undefined;
  }
  const found: RepositoryPackage[] = [];
  const hashes = new Set([...places.keys()].map((key) => key.slice(key.indexOf(' ') + 1)));
  for (const { packages } of snapshots) {
    for (const pkg of packages) {
      const at = hashes.has(pkg.sha256) ? places.get(`${pkg.repository} ${pkg.sha256}`) : undefined;
      if (at !== undefined) found[at] = pkg;
    }
  }
  return places.size > 0 && Object.keys(found).length === places.size ? found : undefined;
}
