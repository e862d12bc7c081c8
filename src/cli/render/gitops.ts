import type { GitopsPlace, GitopsRepository, GitopsState } from '../gitops-state.ts';
import type { WrittenImage } from '../gitops-write.ts';
import { printable, renderTable } from './table.ts';

const WORDS: Readonly<Record<GitopsPlace['state'], string>> = {
  current: 'current',
  commit: 'to be committed',
  propose: 'to be proposed',
  proposed: 'proposed',
  left: 'left',
  refused: 'refused',
  other: '-',
};

export function renderGitopsStatus({ repositories, places, missing }: GitopsState): string {
  const rows = renderTable(places, [
    { title: 'REPOSITORY', value: ({ repository }) => repository },
    { title: 'FILE', value: ({ file }) => file },
    { title: 'PLACE', value: ({ place }) => place },
    { title: 'IMAGE', value: ({ image }) => image ?? '-' },
    { title: 'NAMES', value: ({ from }) => shortened(from) },
    { title: 'STATE', value: ({ state }) => WORDS[state] },
    { title: 'WHY', value: ({ reason, request }) => request ?? reason },
  ]);
  return [
    ...repositories.flatMap(repositoryLines),
    ...(places.length === 0 ? [] : [rows]),
    ...missingLines(missing),
  ].join('\n');
}

function repositoryLines({
  name,
  url,
  branch,
  write,
  signed,
  commit,
  error,
  notes,
}: GitopsRepository): readonly string[] {
  const how = `${write === 'commit' ? 'by commit' : 'by pull request'}${signed ? ', signed' : ''}`;
  const head = `${name}: ${url} ${branch} ${commit === null ? 'cannot be read' : commit.slice(0, 12)}, ${how}`;
  return [head, ...(error === null ? [] : [`  ${error}`]), ...notes.map((note) => `  ${note}`)].map(printable);
}

const missingLines = (missing: readonly string[]): readonly string[] =>
  missing.map((image) => `${image}: nothing is released of it`);

/** `team/web:1.2@sha256:0123456789ab` */
const shortened = (image: string): string => image.replace(/@(sha256:[0-9a-f]{12})[0-9a-f]+$/, '@$1');

export function renderGitopsPlan({ repositories, places, missing }: GitopsState): string {
  const broken = repositories.filter(({ error }) => error !== null).flatMap(repositoryLines);
  const lines = places.flatMap((one): readonly string[] => {
    const { state, repository, file, place, image, reason, request, diff } = one;
    if (state === 'current' || state === 'other') return [];
    const why = request ?? reason;
    const head = `${repository}/${file} ${place} (${image}): ${WORDS[state]}${why === '' ? '' : `: ${why}`}`;
    return [
      printable(head),
      ...diff
        .trimEnd()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => `  ${printable(line)}`),
    ];
  });
  const all = [...broken, ...lines, ...missingLines(missing)];
  return all.length === 0 ? 'Every file names what is released.' : all.join('\n');
}

export function renderWritten(written: readonly WrittenImage[]): string {
  const lines = written.flatMap(({ image, rollout, outcomes, skipped, waits }) => [
    ...outcomes.map((one) => {
      const why = 'reason' in one ? `: ${one.reason}` : '';
      return `${image}  ${one.workload}  ${one.kind}${why}`;
    }),
    ...skipped.map((id) => `${image}  ${id}  left alone`),
    ...(waits === undefined ? [] : [`${image}  rollout ${rollout} waits: ${waits}`]),
  ]);
  return lines.length === 0 ? 'Every file names what is released.' : lines.map(printable).join('\n');
}
