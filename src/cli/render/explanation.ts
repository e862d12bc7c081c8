import type { Explanation } from '../../http/index.ts';
import { changeLine } from './changes.ts';
import { printable } from './table.ts';
import { count, shortDigest } from './words.ts';

type Build = Explanation['builds'][number];

const DONE: Readonly<Record<Build['strategy'], string>> = {
  compose: 'composed from its recipe',
  rebase: 'moved to its base’s new version',
  patch: 'patched with one layer',
  rebuild: 'built anew',
  none: 'left as it is',
};
const TO_DO: Readonly<Record<Build['strategy'], string>> = {
  compose: 'composing it',
  rebase: 'moving it to the new base',
  patch: 'patching it',
  rebuild: 'building it anew',
  none: 'leaving it',
};
/** Words of a key id that tell it from others. */
const KEY_LENGTH = 16;

/** The story of an image in sentences, newest build first. */
export function renderExplanation({ image, reference, builds }: Explanation): string {
  const head = `${printable(image)}${reference === null ? '' : `  ${printable(reference)}`}`;
  return [head, ...builds.map((build) => storyOf(build).map(printable).join('\n'))].join('\n\n');
}

function storyOf(build: Build): readonly string[] {
  return [
    `${build.at}  ${build.status}`,
    ...[...whatArrived(build), whatWasDone(build), ...build.alternatives.map(whyNot), ...outcomeOf(build)].map(
      (line) => `  ${line}`,
    ),
  ];
}

/** `because` begins with the need; the strategy's own reason follows its name. */
function whatArrived({ because, reason, missing, base, advisories }: Build): readonly string[] {
  const updates = missing.map((one) => `${one.package} ${one.installed} → ${one.candidate}`);
  return [
    `It was looked at because ${needOf(because)} (${reason}).`,
    ...(updates.length === 0 ? [] : [`Repositories offered ${updates.join(', ')}.`]),
    ...(advisories.length === 0 ? [] : [`They fix ${advisories.join(', ')}.`]),
    ...(base.to === null || base.from === base.to
      ? []
      : [`Its base went from ${base.from === null ? 'none' : shortDigest(base.from)} to ${shortDigest(base.to)}.`]),
  ];
}

const needOf = (because: string): string => because.split('; ', 1)[0] ?? because;

function whatWasDone({ because, strategy, status, alternatives }: Build): string {
  const why = because.split(/; (?:compose|rebase|patch|rebuild|none): /).at(1);
  if (status === 'unchanged') return `It is unchanged: ${because}.`;
  if (strategy === 'none') return `Nothing was made: ${why ?? because}.`;
  // What was planned refused: its word is for that one.
  const fellBack = alternatives.some((one) => one.verdict === 'refused');
  return `It was ${DONE[strategy]}${why === undefined || fellBack ? '' : `: ${why}`}.`;
}

function whyNot({ strategy, verdict, because }: Build['alternatives'][number]): string {
  switch (verdict) {
    case 'next':
      return `Had that been refused, ${TO_DO[strategy]} came next: ${because}.`;
    case 'unfit':
      return `Not ${TO_DO[strategy]}: ${because}.`;
    case 'excluded':
      return `Not ${TO_DO[strategy]}: ${because} (excluded by the fleet file).`;
    case 'refused':
      return `Tried and refused, ${TO_DO[strategy]}: ${because}.`;
  }
}

function outcomeOf(build: Build): readonly string[] {
  const { digest, previous, changes, tested, signed, runs, error } = build;
  const moved = digest !== null && digest !== previous;
  return [
    ...(moved
      ? [`The result is ${shortDigest(digest)}, ${previous === null ? 'the first' : `after ${shortDigest(previous)}`}.`]
      : []),
    ...(changes === null || changes.length === 0
      ? []
      : [`${count(changes.length, 'package')} changed:`, ...changes.map((change) => `  ${changeLine(change)}`)]),
    ...(tested === null
      ? []
      : [`It was tested (${tested.tests.join(', ') || 'nothing to run'}) and ${tested.passed ? 'passed' : 'failed'}.`]),
    ...signed.map(({ key, what }) => `Key ${key.slice(0, KEY_LENGTH)} signed ${what.join(', ')}.`),
    ...(runs.length > 0 ? [`It runs in ${runs.join(', ')}.`] : []),
    ...(error === null ? [] : [`It ended with: ${error}`]),
  ];
}
