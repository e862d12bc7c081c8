/** One line of a `.dockerignore`. */
interface Pattern {
  readonly keeps: boolean;
  readonly matches: RegExp;
}

/** Lines of a `.dockerignore` beyond this are not read. */
const MAX_PATTERNS = 10_000;
/** Runs of `*` in one pattern: matching takes time to the power of them. */
const MAX_STARS = 6;

/**
 * Whether a path of a context is left out, as docs.docker.com/build/concepts/context says: the last pattern that fits
 * decides; a pattern that fits a folder fits all below it.
 */
export function parseIgnoreFile(text: string): (path: string) => boolean {
  const patterns = text
    .split(/\r?\n/)
    .slice(0, MAX_PATTERNS)
    .map((line) => (line.startsWith('#') ? '' : line.trim()))
    .filter((line) => line !== '' && line !== '!' && (line.match(/\*+/g)?.length ?? 0) <= MAX_STARS)
    .map(patternOf);
  return (path) => patterns.findLast(({ matches }) => matches.test(path))?.keeps === false;
}

function patternOf(line: string): Pattern {
  const keeps = line.startsWith('!');
  const parts: string[] = [];
  for (const part of (keeps ? line.slice(1) : line).trim().split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const source = parts.map((part, at) =>
    part === '**'
      ? at === parts.length - 1
        ? '.*'
        : '(?:.*/)?'
      : `${wildcards(part)}${at === parts.length - 1 ? '' : '/'}`,
  );
  return { keeps, matches: new RegExp(`^${source.join('')}(?:/|$)`, 's') };
}

/** filepath.Match of Go: `*`, `?`, `[…]`, `\`; `**` inside a name stands for anything. */
function wildcards(part: string): string {
  return part.replace(/\*\*|\*|\?|\\.|\[\^?[^\]]+\]|./gs, (token) => {
    if (token === '**') return '.*';
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    if (token.length > 1 && token.startsWith('[')) return classOf(token);
    return (token.startsWith('\\') && token.length > 1 ? token.slice(1) : token).replace(
      /[\\^$.*+?()[\]{}|/]/g,
      '\\$&',
    );
  });
}

function classOf(token: string): string {
  const inner = token.slice(1, -1).replace(/\\(?!.)/g, '\\\\');
  try {
    return new RegExp(`[${inner}]`).source;
  } catch {
    return '[^\\s\\S]';
  }
}
