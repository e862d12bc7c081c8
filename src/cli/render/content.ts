import type { ContentDifference } from '../../build/index.ts';
import { printable } from './table.ts';
import { count } from './words.ts';

/** One line a path: + came, - went, ~ is other. @param limit lines of each kind */
export function renderContentDifference(difference: ContentDifference, limit: number): string {
  const { identical, added, removed, changed, config } = difference;
  if (identical) return 'same content';
  const some = (lines: readonly string[], what: string): readonly string[] => [
    ...lines.slice(0, limit),
    ...(lines.length > limit ? [`${count(lines.length - limit, 'path')} more ${what}`] : []),
  ];
  return [
    ...config.map(({ name, from = '-', to = '-' }) => `~ config ${name}: ${from} → ${to}`),
    ...some(
      added.map((path) => `+ /${path}`),
      'added',
    ),
    ...some(
      removed.map((path) => `- /${path}`),
      'removed',
    ),
    ...some(
      changed.map(({ path, from, to }) => `~ /${path}: ${from} → ${to}`),
      'changed',
    ),
  ]
    .map(printable)
    .join('\n');
}
