import { isHeraklitError } from '../../base/index.ts';
import type { BuiltImage, Strategy } from '../../build/index.ts';
import type { BuildRequest } from '../ports.ts';
import { workshopError } from '../workshop/errors.ts';

/** What a strategy came to. A refusal is no failure: the next strategy may do. */
export type Attempt =
  | { readonly kind: 'made'; readonly built: BuiltImage }
  | { readonly kind: 'refused'; readonly because: string; readonly error?: unknown };

export const made = (built: BuiltImage): Attempt => ({ kind: 'made', built });

/** The attempt refuses with these codes; any other error is one. */
export async function refusing(codes: RegExp, make: () => Promise<Attempt>): Promise<Attempt> {
  try {
    return await make();
  } catch (error) {
    if (!isHeraklitError(error) || !codes.test(error.code)) throw error;
    return { kind: 'refused', because: error.message, error };
  }
}

const DONE: Readonly<Record<Strategy, string>> = {
  compose: 'composed',
  rebase: 'rebased',
  patch: 'patched',
  rebuild: 'rebuilt',
  none: 'made',
};

/**
 * The image by the strategy that was planned; when that refuses, by the next one that fits and is allowed. Those that
 * refused are named in the reason and in `passedOver`.
 *
 * @throws the last refusal's own error when none is left; STRATEGY_EXCLUDED when one is left that the fleet file excludes
 */
export async function makeInOrder(
  { image, strategy, alternatives = [] }: BuildRequest,
  attempt: (strategy: Strategy) => Promise<Attempt>,
): Promise<BuiltImage> {
  const next = alternatives.filter((one) => one.verdict === 'next').map((one) => one.strategy);
  const passedOver: { readonly strategy: Strategy; readonly because: string }[] = [];
  let error: unknown;
  for (const one of [strategy, ...next]) {
    const result = await attempt(one);
    if (result.kind === 'made') return told(result.built, passedOver);
    passedOver.push({ strategy: one, because: result.because });
    error = result.error ?? error;
  }
  const excluded = alternatives.filter((one) => one.verdict === 'excluded').map((one) => one.strategy);
  const tried = passedOver.map((one) => `cannot be ${DONE[one.strategy]} (${one.because})`).join(' and ');
  if (excluded.length === 0 && error !== undefined) throw error;
  throw workshopError(
    'STRATEGY_EXCLUDED',
    `${image.image} ${tried}, and the fleet file excludes ${excluded.join(', ')}`,
    {
      hint: 'Allow it in policy.strategies of the fleet file, or in the image’s own strategies.',
    },
  );
}

function told(built: BuiltImage, passedOver: NonNullable<BuiltImage['passedOver']>): BuiltImage {
  if (passedOver.length === 0) return built;
  const refusals = passedOver.map(({ strategy, because }) => `not ${DONE[strategy]}: ${because}`);
  return { ...built, reason: [built.reason, ...refusals].join('; '), passedOver };
}
