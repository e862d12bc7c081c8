import type { FileMerge } from './three-sides.ts';

/** One group of alternatives as update-alternatives(1) keeps it, section FILES. */
interface AlternativeGroup {
  readonly mode: string;
  /** Generic name of the master link, and of slaves: name → link. */
  readonly link: string;
  readonly slaves: ReadonlyMap<string, string>;
  /** Path → its priority and the slaves' paths, as they stand. */
  readonly choices: ReadonlyMap<string, readonly string[]>;
}

function readGroup(text: string): AlternativeGroup | undefined {
  const lines = text.split('\n');
  const [mode = '', link = ''] = lines;
  const slaves = new Map<string, string>();
  let at = 2;
  for (; at < lines.length && lines[at] !== ''; at += 2) slaves.set(lines[at] as string, lines[at + 1] ?? '');
  const choices = new Map<string, readonly string[]>();
  for (at += 1; at < lines.length && lines[at] !== ''; at += 2 + slaves.size) {
    const rest = lines.slice(at + 1, at + 2 + slaves.size);
    if (rest.length < 1 + slaves.size || !/^-?\d+$/.test(rest[0] ?? '')) return undefined;
    choices.set(lines[at] as string, rest);
  }
  return /^(?:auto|manual)$/.test(mode) && choices.size > 0 ? { mode, link, slaves, choices } : undefined;
}

function writeGroup({ mode, link, slaves, choices }: AlternativeGroup): string {
  const head = [mode, link, ...[...slaves].flat(), ''];
  const body = [...choices].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([path, rest]) => [path, ...rest]);
  return `${[...head, ...body, '', ''].join('\n')}`;
}

/**
 * Choices of both sides together; in automatic mode the links follow the best of all, as update-alternatives has it.
 * Groups whose slaves are not the same, or that the child set by hand, are refused.
 */
export function mergeAlternatives(old: string, now: string, own: string, path: string): FileMerge {
  const [before, after, mine] = [readGroup(old), readGroup(now), readGroup(own)];
  const unknown = (key: string): FileMerge => ({ kind: 'conflict', key });
  if (after === undefined || mine === undefined) return unknown('its form');
  const slavesOf = (group: AlternativeGroup): string => JSON.stringify([group.link, ...group.slaves]);
  if (slavesOf(after) !== slavesOf(mine)) return unknown('its slave links');
  if (after.mode !== 'auto' || mine.mode !== 'auto') return unknown('a choice made by hand');
  const choices = new Map<string, readonly string[]>();
  for (const key of new Set([...after.choices.keys(), ...mine.choices.keys()])) {
    const [base, theirs, ours] = [before, after, mine].map((group) => group?.choices.get(key)?.join('\n'));
    if (ours !== base && theirs !== base && ours !== theirs) return unknown(key);
    const chosen = ours !== base ? mine.choices.get(key) : after.choices.get(key);
    if (chosen !== undefined) choices.set(key, chosen);
  }
  const ranked = [...choices].sort(([, a], [, b]) => Number(b[0]) - Number(a[0]));
  const [best, second] = ranked;
  if (best === undefined || (second !== undefined && best[1][0] === second[1][0]))
    return unknown('two of one priority');
  const group = { ...after, choices };
  const name = path.slice(path.lastIndexOf('/') + 1);
  const links = new Map([[`etc/alternatives/${name}`, best[0]]]);
  for (const [at, slave] of [...group.slaves.keys()].entries()) {
    const target = best[1][at + 1] ?? '';
    if (target === '') return unknown(`${slave}, which its best choice does not have`);
    links.set(`etc/alternatives/${slave}`, target);
  }
  return { kind: 'merged', content: writeGroup(group), links };
}
