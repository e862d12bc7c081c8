import type { ApkDependency } from '../dependencies.ts';
import { type ApkInstalledRecord, compareNames } from '../installed-records.ts';
import { compareVersions } from '../version.ts';
import { type ApkCandidate, type ApkUniverse, withInstalled } from './candidates.ts';
import type { ApkChange } from './change.ts';
import { type ApkUpgrade, Choice, type GiveWay } from './choose.ts';
import { orderChanges } from './order.ts';

export interface ApkRequest {
  readonly universe: ApkUniverse;
  readonly installed: readonly ApkInstalledRecord[];
  /** What the root's owner asked for (etc/apk/world). */
  readonly world: readonly ApkDependency[];
  readonly upgrade: ApkUpgrade;
}

export type ApkSolution =
  | {
      readonly kind: 'solved';
      readonly changes: readonly ApkChange[];
      /** Words of world that nothing answers to, and nothing did before. */
      readonly ignored: readonly string[];
    }
  | { readonly kind: 'unsolvable'; readonly reason: string };

/** Tries, each without a candidate more than the last; a real upgrade needs a handful. */
const MAX_ATTEMPTS = 5000;

/**
 * Which packages a root is to have: what its world needs, each in the newest version that works out with the others.
 * What nobody needs any more goes, as with `apk upgrade`.
 *
 * @see https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-world.5.scd
 */
export function solveApk({ universe, installed, world, upgrade }: ApkRequest): ApkSolution {
  const all = withInstalled(universe, installed);
  const ignored = world.filter(({ name, conflict }) => !conflict && !all.byName.has(name));
  // Who names a repository by a tag keeps what came from there: nobody else offers the same.
  const pinned = new Set(world.flatMap(({ name, tag }) => (tag === undefined ? [] : [name])));
  const wanted = world
    .filter((dependency) => !ignored.includes(dependency))
    .sort((a, b) => compareNames(a.name, b.name));
  const versions = new Map(installed.map((record) => [record.name, record.version]));
  /** An update never takes one back, and never brings another package under a pinned name. */
  const isOut = ({ name, version, installed: there }: ApkCandidate): boolean => {
    const before = there === undefined ? versions.get(name) : undefined;
    return before !== undefined && (pinned.has(name) || compareVersions(version, before) < 0);
  };
  const banned = new Set([...all.byIdentity.values()].filter(isOut));
  const ask = (giveWay: GiveWay): ApkSolution => {
    const tried = new Set(banned);
    let reason = '';
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const result = new Choice(all, upgrade, tried, giveWay).attempt(wanted);
      if (result.kind === 'chosen') {
        return {
          kind: 'solved',
          changes: orderChanges({ universe: all, installed, world: wanted, chosen: result.byName }),
          ignored: ignored.map(({ name }) => name),
        };
      }
      if (reason === '') reason = result.reason;
      if (result.blame === undefined) {
        return { kind: 'unsolvable', reason: attempt === 0 ? reason : `${reason}; ${result.reason}` };
      }
      tried.add(result.blame);
    }
    return { kind: 'unsolvable', reason: `${reason}; no answer after ${MAX_ATTEMPTS} tries` };
  };
  const first = ask('version');
  if (first.kind === 'solved') return first;
  const second = ask('nobody');
  if (second.kind === 'solved') return second;
  const third = ask('others');
  return third.kind === 'solved' ? third : second;
}
