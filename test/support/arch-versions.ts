import { type VersionPair, versionPairs } from './version-pairs.ts';

const FIRST = ['1', '0', '2', '1.0', '1:1', '0:1', ':1', '10', 'r12', '20240101', '1_0', '99999999999999999999'];
const PIECES = [
  ...['.', '_', '-', '+', '..', '~', ':', '1', '0', '2', '9', '10', '01', '007', '.1', '.0', '-1', '-2', '-1.1'],
  ...['a', 'b', 'Z', 'alpha', 'beta', 'rc1', 'rc', 'pre', 'git', '.r5.gabc', '+5+gdef', '.a', 'pl1'],
];

/** Versions as Arch packages have them, and worse. */
export const archPairs = (count: number): readonly VersionPair[] => versionPairs(count, 8, FIRST, PIECES);
