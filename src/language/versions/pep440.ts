export interface Pep440Parts {
  readonly epoch: bigint;
  /** Without trailing zeros: 1.0 is 1. */
  readonly release: readonly bigint[];
  /** `a`, `b`, `rc` with its number. */
  readonly pre: readonly [string, bigint] | undefined;
  readonly post: bigint | undefined;
  readonly dev: bigint | undefined;
  readonly local: readonly (bigint | string)[];
}

const SHAPE = new RegExp(
  [
    '^v?(?:(\\d+)!)?(\\d+(?:\\.\\d+)*)',
    '(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\\d*))?',
    '((?:-(\\d+))|(?:[-_.]?(?:post|rev|r)[-_.]?(\\d*)))?',
    '([-_.]?dev[-_.]?(\\d*))?',
    '(?:\\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$',
  ].join(''),
);

const PRE: Readonly<Record<string, string>> = { alpha: 'a', beta: 'b', c: 'rc', pre: 'rc', preview: 'rc' };
const number = (text: string | undefined): bigint => BigInt(text === undefined || text === '' ? 0 : text);

/** Undefined for what is no version of Python's. */
export function parsePep440(version: string): Pep440Parts | undefined {
  const match = version.length > 512 ? null : SHAPE.exec(version.trim().toLowerCase());
  if (match === null) return undefined;
  const release = (match[2] as string).split('.').map(BigInt);
  while (release.length > 1 && release.at(-1) === 0n) release.pop();
  const word = match[3];
  return {
    epoch: number(match[1]),
    release,
    pre: word === undefined ? undefined : [PRE[word] ?? word, number(match[4])],
    post: match[5] === undefined ? undefined : number(match[6] ?? match[7]),
    dev: match[8] === undefined ? undefined : number(match[9]),
    local: (match[10] ?? '')
      .split(/[-_.]/)
      .filter((part) => part !== '')
      .map((part) => (/^\d+$/.test(part) ? BigInt(part) : part)),
  };
}

const compare = <T extends bigint | string>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** @see https://packaging.python.org/en/latest/specifications/version-specifiers/ */
export function comparePep440(a: Pep440Parts, b: Pep440Parts): number {
  return (
    compare(a.epoch, b.epoch) ||
    compareReleases(a.release, b.release) ||
    compare(stage(a), stage(b)) ||
    compare(a.pre?.[1] ?? 0n, b.pre?.[1] ?? 0n) ||
    compare(a.post ?? -1n, b.post ?? -1n) ||
    compareDev(a.dev, b.dev) ||
    compareLocal(a.local, b.local)
  );
}

function compareReleases(a: readonly bigint[], b: readonly bigint[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const order = compare(a[at] ?? 0n, b[at] ?? 0n);
    if (order !== 0) return order;
  }
  return 0;
}

/** 1.dev1 < 1a1.dev1 < 1a1 < 1b1 < 1rc1 < 1 */
function stage({ pre, post, dev }: Pep440Parts): string {
  if (pre !== undefined) return pre[0];
  return post === undefined && dev !== undefined ? '' : 'z';
}

/** What is no development release comes after all of them. */
function compareDev(a: bigint | undefined, b: bigint | undefined): number {
  if (a === undefined || b === undefined) return (a === undefined ? 1 : 0) - (b === undefined ? 1 : 0);
  return compare(a, b);
}

/** Words before numbers, the shorter first. */
function compareLocal(a: readonly (bigint | string)[], b: readonly (bigint | string)[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const [left, right] = [a[at] as bigint | string, b[at] as bigint | string];
    const order = typeof left === typeof right ? compare(left, right) : typeof left === 'string' ? -1 : 1;
    if (order !== 0) return order;
  }
  return Math.sign(a.length - b.length);
}
