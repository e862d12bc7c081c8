import { topmostFile } from '../layers/read-facts.ts';
import type { LayerFacts } from '../layers/types.ts';
import type { BasePair } from './base-pair.ts';
import type { OwnChanges } from './own-changes.ts';
import type { PreparedBase } from './prepare-base.ts';
import type { RebaseConflict } from './report.ts';

/** Ids that tools give away: system accounts and people (useradd(8), adduser(8); nobody and others above are fixed). */
const GIVEN: readonly (readonly [least: number, most: number])[] = [
  [100, 999],
  [1000, 59_999],
];
const LISTS = [
  { path: 'etc/passwd', owner: 'uid' },
  { path: 'etc/group', owner: 'gid' },
] as const;

/** Account → number, of passwd or group. */
function idsOf(bytes: Uint8Array | undefined): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  for (const line of Buffer.from(bytes ?? new Uint8Array())
    .toString('latin1')
    .split('\n')) {
    const [name = '', , id = ''] = line.split(':');
    if (/^\d+$/.test(id)) ids.set(name, Number(id));
  }
  return ids;
}

interface AccountChange {
  readonly added: ReadonlyMap<string, number>;
  /** Accounts that have another number now, or none: the number they had. */
  readonly moved: ReadonlyMap<string, number>;
}

const memory = new WeakMap<BasePair, ReadonlyMap<string, AccountChange>>();

function changesOf(pair: BasePair): ReadonlyMap<string, AccountChange> {
  const known = memory.get(pair);
  if (known !== undefined) return known;
  const found = new Map(
    LISTS.map(({ path }) => {
      const [before, after] = [idsIn(pair.oldBase, path), idsIn(pair.newBase, path)];
      const added = new Map([...after].filter(([name]) => !before.has(name)));
      const moved = new Map([...before].filter(([name, id]) => after.get(name) !== id));
      return [path, { added, moved }];
    }),
  );
  memory.set(pair, found);
  return found;
}

const idsIn = (base: PreparedBase, path: string): ReadonlyMap<string, number> => idsOf(topmostFile(base.facts, path));

/**
 * Accounts are numbers in files: those of both sides must not meet. Tools give new accounts the next free number, so
 * where the new base has others of that kind, building anew would give the child's accounts other numbers; and files
 * that the child gave to an account of the base's must not belong to somebody else afterwards.
 */
export function checkAccounts(
  pair: BasePair,
  own: OwnChanges,
  ownFacts: readonly LayerFacts[],
  user: string | undefined,
): readonly RebaseConflict[] {
  const conflicts: RebaseConflict[] = [];
  for (const { path, owner } of LISTS) {
    const change = changesOf(pair).get(path);
    if (change === undefined || (change.added.size === 0 && change.moved.size === 0)) continue;
    const mine = own.writes.has(path) ? idsOf(topmostFile(ownFacts, path)) : new Map<string, number>();
    conflicts.push(...clashes(path, mine, change, idsIn(pair.oldBase, path)));
    const ids = new Map([...change.moved].map(([name, id]) => [id, name]));
    for (const [file, { entry }] of own.writes) {
      const name = ids.get(entry[owner]);
      if (name === undefined || (mine.get(name) !== undefined && change.moved.get(name) === undefined)) continue;
      const reason = `/${file} belongs to it, and in the new base its number is another one`;
      conflicts.push({ kind: 'account', path, account: name, reason });
      break;
    }
  }
  const [name = '', group] = (user ?? '').split(':');
  const lost = (path: string, account: string | undefined): boolean =>
    account !== undefined && idsIn(pair.oldBase, path).has(account) && !idsIn(pair.newBase, path).has(account);
  for (const [path, account] of [
    ['etc/passwd', name],
    ['etc/group', group],
  ] as const) {
    if (lost(path, account))
      conflicts.push({
        kind: 'account',
        path,
        account: account ?? '',
        reason: 'the image runs as it, and the new base has no such account',
      });
  }
  return conflicts;
}

function clashes(
  path: string,
  mine: ReadonlyMap<string, number>,
  change: AccountChange,
  old: ReadonlyMap<string, number>,
): readonly RebaseConflict[] {
  const conflicts: RebaseConflict[] = [];
  const ofBase = new Map([...change.added].map(([name, id]) => [id, name]));
  for (const [name, id] of mine) {
    if (old.get(name) === id || change.added.get(name) === id) continue;
    const other = ofBase.get(id);
    const kind = GIVEN.find(([least, most]) => id >= least && id <= most);
    const next = [...change.added, ...change.moved].find(
      ([, its]) => kind !== undefined && its >= kind[0] && its <= kind[1],
    );
    if (other !== undefined) {
      conflicts.push({
        kind: 'account',
        path,
        account: name,
        reason: `its number ${id} is ${other}'s in the new base`,
      });
    } else if (next !== undefined) {
      const reason = `its number ${id} could be another one, built on the new base, whose accounts of that kind are others (${next[0]})`;
      conflicts.push({ kind: 'account', path, account: name, reason });
    }
  }
  return conflicts;
}
