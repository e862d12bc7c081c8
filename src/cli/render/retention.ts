import type { RetainAnswer } from '../../registry/index.ts';
import type { Colours } from './colours.ts';
import { renderTable } from './table.ts';
import { ageText, count, shortDigest } from './words.ts';

/** Every tag of the repositories that a rule fits, with why it stays or goes. */
export function renderRetention(answer: RetainAnswer, now: number, colours: Colours): string {
  const rows = answer.decisions.flatMap(({ repository, tags, manifests }) => [
    ...tags.map(({ name, digest, updated, keep, reasons }) => ({
      ...{ repository, name, digest, keep, why: reasons.join('; ') },
      age: ageText(new Date(updated).toISOString(), now),
    })),
    ...manifests.map(({ digest, pushed, reason }) => ({
      ...{ repository, name: '', digest, keep: false, why: reason },
      age: ageText(new Date(pushed).toISOString(), now),
    })),
  ]);
  const goes = answer.dryRun ? 'would go' : 'gone';
  const table = renderTable(rows, [
    { title: 'REPOSITORY', value: ({ repository }) => repository },
    { title: 'TAG', value: ({ name }) => (name === '' ? '(manifest)' : name) },
    { title: 'DIGEST', value: ({ digest }) => shortDigest(digest) },
    { title: 'AGE', value: ({ age }) => age, align: 'right' },
    {
      title: 'DECISION',
      value: ({ keep }) => (keep ? 'stays' : goes),
      paint: (text, { keep }) => (keep ? text : colours.yellow(text)),
    },
    { title: 'WHY', value: ({ why }) => why },
  ]);
  const { tags, manifests } = answer.removed;
  const verb = answer.dryRun ? 'would be removed' : 'removed';
  const summary = `${answer.repositories} repositories with a rule, ${count(answer.kept, 'tag')} stay; ${count(tags, 'tag')} and ${count(manifests, 'manifest')} ${verb}`;
  return rows.length === 0 ? summary : `${table}\n\n${summary}`;
}
