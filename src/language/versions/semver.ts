/** A version cut up once, so that sorting many compares parts alone. */
export interface SemverParts {
  /** Numbers separated by dots; as many as there are. */
  readonly numbers: readonly bigint[];
  /** After the first dash: `rc.1`; empty for a release. */
  readonly pre: readonly (bigint | string)[];
}

const SHAPE = /^[v=\s]*(\d+(?:\.\d+)*)(?:[-.]?([0-9A-Za-z][0-9A-Za-z.-]*))?(?:\+[0-9A-Za-z.+-]*)?$/;

/** Undefined for what is no such version: `latest`, a commit. */
export function parseSemver(version: string): SemverParts | undefined {
  const match = version.length > 512 ? null : SHAPE.exec(version);
  if (match === null) return undefined;
  return {
    numbers: (match[1] as string).split('.').map(BigInt),
    pre: (match[2] ?? '')
      .split('.')
      .filter((part) => part !== '')
      .map((part) => (/^\d+$/.test(part) ? BigInt(part) : part)),
  };
}

/**
 * Precedence of Semantic Versioning, for any count of numbers (.NET and Composer have four): a pre-release before its
 * release, build metadata without weight.
 * @see https://semver.org/#spec-item-11
 */
export function compareSemver(a: SemverParts, b: SemverParts): number {
  for (let at = 0; at < Math.max(a.numbers.length, b.numbers.length); at += 1) {
    const [left, right] = [a.numbers[at] ?? 0n, b.numbers[at] ?? 0n];
    if (left !== right) return left < right ? -1 : 1;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return (a.pre.length === 0 ? 1 : 0) - (b.pre.length === 0 ? 1 : 0);
  for (let at = 0; at < Math.min(a.pre.length, b.pre.length); at += 1) {
    const order = compareIdentifiers(a.pre[at] as bigint | string, b.pre[at] as bigint | string);
    if (order !== 0) return order;
  }
  return Math.sign(a.pre.length - b.pre.length);
}

/** Numbers before words. */
function compareIdentifiers(a: bigint | string, b: bigint | string): number {
  if (typeof a !== typeof b) return typeof a === 'bigint' ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
