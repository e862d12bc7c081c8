import type { ConfigChange, ImageDiff } from '../../inventory/index.ts';
import { printable } from './table.ts';

/** Packages, then config, then files; `+` only in the second, `-` only in the first, `~` changed. */
export function renderDiff(diff: ImageDiff): string {
  if (diff.identical) return 'No difference in packages, files or config.';
  const { packages, languagePackages, config, files } = diff;
  const sections = [
    section('Packages', [
      ...packages.added.map((item) => `+ ${item.name}:${item.architecture} ${item.version}`),
      ...packages.removed.map((item) => `- ${item.name}:${item.architecture} ${item.version}`),
      ...packages.upgraded.map((item) => `~ ${item.name}:${item.architecture} ${item.from} → ${item.to}`),
      ...packages.downgraded.map(
        (item) => `~ ${item.name}:${item.architecture} ${item.from} → ${item.to} (downgraded)`,
      ),
    ]),
    section('Packages of languages', languageLines(languagePackages)),
    section('Config', config.map(configLine)),
    section('Files', files === undefined ? ['(not compared: a root folder is not indexed)'] : fileLines(files)),
  ];
  return sections.filter((text) => text !== '').join('\n\n');
}

function languageLines({ added, removed, upgraded, downgraded }: ImageDiff['languagePackages']): readonly string[] {
  return [
    ...added.map((item) => `+ ${item.ecosystem} ${item.name} ${item.version}`),
    ...removed.map((item) => `- ${item.ecosystem} ${item.name} ${item.version}`),
    ...upgraded.map((item) => `~ ${item.ecosystem} ${item.name} ${item.from} → ${item.to}`),
    ...downgraded.map((item) => `~ ${item.ecosystem} ${item.name} ${item.from} → ${item.to} (downgraded)`),
  ];
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [`${title}:`, ...lines.map((line) => `  ${printable(line)}`)].join('\n');
}

function configLine({ key, from, to }: ConfigChange): string {
  if (from === undefined) return `+ ${key} ${JSON.stringify(to)}`;
  if (to === undefined) return `- ${key} ${JSON.stringify(from)}`;
  return `~ ${key} ${JSON.stringify(from)} → ${JSON.stringify(to)}`;
}

function fileLines(files: NonNullable<ImageDiff['files']>): readonly string[] {
  const list = (mark: string, paths: readonly string[], total: number): readonly string[] => [
    ...paths.map((path) => `${mark} /${path}`),
    ...(total > paths.length ? [`${mark} … and ${total - paths.length} more`] : []),
  ];
  return [
    ...list('+', files.added, files.totals.added),
    ...list('-', files.removed, files.totals.removed),
    ...list('~', files.changed, files.totals.changed),
  ];
}
