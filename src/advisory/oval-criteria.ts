import { distributionOfTitle } from './ecosystem.ts';

/** A definition's tree of conditions, as far as it tells about packages. */
export type Criteria =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Criteria[] }
  | { readonly kind: 'test'; readonly test: string; readonly comment: string; readonly negated: boolean };

/** A package test and the distributions it is asked for. */
export interface PackageTest {
  readonly test: string;
  readonly platforms: readonly string[];
}

const PLATFORM = /^(.*?)(?: release)? (?:is|must be) installed\.?$/;

/**
 * Package tests with the platform that stands beside them: SUSE's definitions cover several products, each in a branch
 * of its own: `any(all(openSUSE Leap 15.6 is installed, any(libfoo < 1.2, …)), …)`.
 *
 * @param platforms of the definition as a whole, where no branch names one
 */
export function packageTests(root: Criteria, platforms: readonly string[]): readonly PackageTest[] {
  const found: PackageTest[] = [];
  const walk = (node: Criteria, around: readonly string[]): void => {
    if (node.kind === 'test') {
      if (!node.negated) found.push({ test: node.test, platforms: around });
      return;
    }
    const here = node.kind === 'all' ? platformsOf(node.of) : [];
    for (const child of node.of) walk(child, here.length === 0 ? around : here);
  };
  walk(root, platforms);
  return found;
}

/** Platforms named directly in a conjunction, or in an alternative right below it. */
function platformsOf(nodes: readonly Criteria[]): readonly string[] {
  const named = nodes.flatMap((node) => {
    const tests = node.kind === 'any' ? node.of : [node];
    const platforms = tests.map((test) => (test.kind === 'test' ? platformOf(test.comment) : undefined));
    // An alternative counts as a list of platforms only when it is nothing else.
    return platforms.some((platform) => platform === undefined) ? [] : platforms;
  });
  return [...new Set(named.flatMap((platform) => platform ?? []))];
}

const platformOf = (comment: string): string | undefined => {
  const title = PLATFORM.exec(comment.slice(0, 300))?.[1];
  return title === undefined ? undefined : distributionOfTitle(title);
};
