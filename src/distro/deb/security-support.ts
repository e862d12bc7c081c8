/** What the package debian-security-support says of a source package of one release. */
export interface SupportNote {
  /** Source package; `.*` stands for anything: `golang.*`. */
  readonly pattern: string;
  /** `supported` takes a package out of a wider pattern. */
  readonly kind: 'ended' | 'limited' | 'supported';
  /** Last version with support; only of `ended`. */
  readonly version?: string;
  /** Day (ISO 8601) on which support ended or will; only of `ended`. */
  readonly date?: string;
  readonly note: string;
}

/** An installed package without, or with limited, security support. */
export interface UnsupportedPackage {
  readonly package: string;
  readonly installed: string;
  readonly source: string;
  readonly support: 'ended' | 'limited';
  readonly date?: string;
  readonly note: string;
}

const MAX_LIST_BYTES = 1024 * 1024;
const MAX_NOTE = 500;
const PATTERN = /^[a-z0-9][a-z0-9+.*-]{0,127}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Folder of the lists in the package. */
export const SUPPORT_FOLDER = 'usr/share/debian-security-support';

/**
 * The lists of a release out of the package's files (paths below `SUPPORT_FOLDER`): `security-support.debNN` since 13;
 * before that `security-support-ended.debNN`, and one `security-support-limited` for the package's own release.
 *
 * @param major `12`
 */
export function readSecuritySupport(files: ReadonlyMap<string, Uint8Array>, major: string): readonly SupportNote[] {
  const one = files.get(`security-support.deb${major}`);
  if (one !== undefined) return linesOf(one).flatMap(parseLine);
  const ended = linesOf(files.get(`security-support-ended.deb${major}`)).flatMap((line) =>
    parseEnded(line.split(/\s+/)),
  );
  const limited = linesOf(files.get('security-support-limited')).flatMap((line) => parseLimited(line.split(/\s+/)));
  return [...ended, ...limited];
}

function linesOf(bytes: Uint8Array | undefined): readonly string[] {
  if (bytes === undefined || bytes.length > MAX_LIST_BYTES) return [];
  return Buffer.from(bytes)
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

const noteOf = (words: readonly string[]): string => words.join(' ').slice(0, MAX_NOTE);

function parseLine(line: string): readonly SupportNote[] {
  const [pattern = '', kind, ...rest] = line.split(/\s+/);
  if (kind === 'non-supported') return parseEnded([pattern, ...rest]);
  if (kind === 'limited') return parseLimited([pattern, ...rest]);
  return kind === 'supported' && PATTERN.test(pattern) ? [{ pattern, kind, note: noteOf(rest) }] : [];
}

function parseEnded([pattern = '', version = '', date = '', ...note]: readonly string[]): readonly SupportNote[] {
  if (!PATTERN.test(pattern) || !DAY.test(date)) return [];
  return [{ pattern, kind: 'ended', version, date, note: noteOf(note) }];
}

function parseLimited([pattern = '', ...note]: readonly string[]): readonly SupportNote[] {
  return PATTERN.test(pattern) ? [{ pattern, kind: 'limited', note: noteOf(note) }] : [];
}

/** Does a source package fit? `.*` alone is special; dots and pluses of names mean themselves. */
function fits(pattern: string, name: string): boolean {
  const [first = '', ...parts] = pattern.split('.*');
  if (parts.length === 0) return pattern === name;
  if (!name.startsWith(first)) return false;
  const last = parts.pop() as string;
  let at = first.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

/**
 * Which installed packages have no security support any more, or a limited one: as `check-support-status` tells, by
 * source package; the first line that fits decides.
 *
 * @param now seconds since the epoch
 */
export function unsupportedPackages(
  packages: readonly { readonly name: string; readonly version: string; readonly source: { readonly name: string } }[],
  notes: readonly SupportNote[],
  now: number,
): readonly UnsupportedPackage[] {
  const today = new Date(now * 1000).toISOString().slice(0, 10);
  const bySource = new Map<string, readonly SupportNote[]>();
  const notesOf = (source: string): readonly SupportNote[] => {
    const known = bySource.get(source);
    if (known !== undefined) return known;
    const fitting = notes.filter((note) => fits(note.pattern, source));
    const found = fitting.some((note) => note.kind === 'supported')
      ? []
      : [
          fitting.find((note) => note.kind === 'ended' && (note.date as string) <= today),
          fitting.find((note) => note.kind === 'limited'),
        ];
    const kept = found.filter((note) => note !== undefined);
    bySource.set(source, kept);
    return kept;
  };
  return packages.flatMap((pkg) =>
    notesOf(pkg.source.name).map(({ kind, date, note }) => ({
      package: pkg.name,
      installed: pkg.version,
      source: pkg.source.name,
      support: kind as 'ended' | 'limited',
      ...(date === undefined ? {} : { date }),
      note,
    })),
  );
}
