/** Questions whose answer says nothing of a version: which files a package has, whose a file is, where scripts lie. */
const OF_FILES = /^(?:-L|--listfiles|-S|--search|-c|--control-path|--control-list|--control-show)(?: |$)/;
const OF_PACKAGES = /^(?:-s|--status|-p|--print-avail|-l|--list|-W|--show)$/;
const SPLIT_FORMAT = /(^| )(-f|--showformat) /g;
const FORMAT = /^(?:-f|--showformat)=?(.*)$/s;
/** Fields that an update leaves alone. */
const STEADY =
  /^(?:binary:Package|Package|Architecture|Multi-Arch|Essential|Status|db:Status-[A-Za-z]+)(?:;-?[0-9]+)?$/;
const NAME = /^([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?$/;

/**
 * Names of packages whose stanzas the answers to `dpkg-query` could depend on; undefined: of any package.
 * @param lines arguments of each call, joined by blanks
 */
export function queriedPackages(lines: readonly string[]): readonly string[] | undefined {
  const names = new Set<string>();
  for (const line of lines) {
    const found = queriedBy(line);
    if (found === undefined) return undefined;
    for (const name of found) names.add(name);
  }
  return [...names].sort();
}

function queriedBy(line: string): readonly string[] | undefined {
  if (OF_FILES.test(line)) return [];
  const words = line
    .replace(SPLIT_FORMAT, '$1$2=')
    .split(' ')
    .filter((word) => word !== '' && word !== '--');
  const formats = words.flatMap((word) => FORMAT.exec(word)?.[1] ?? []);
  const rest = words.filter((word) => !FORMAT.test(word));
  if (!rest.some((word) => OF_PACKAGES.test(word))) return undefined;
  const asked = rest.filter((word) => !OF_PACKAGES.test(word));
  // An option, or what is left of a format that held a blank.
  if (asked.some((word) => word.startsWith('-') || word.includes('$'))) return undefined;
  if (formats.length > 0 && formats.every(isSteady)) return [];
  const named = asked.flatMap((word) => NAME.exec(word)?.[1] ?? []);
  // No name, or a pattern: all packages are looked at.
  return asked.length > 0 && named.length === asked.length ? named : undefined;
}

/** A format whose every field is steady; a format with a blank was split into words, and is not understood. */
function isSteady(format: string): boolean {
  const fields = [...format.matchAll(/\$\{([^}]*)\}/g)].map(([, field = '']) => field);
  return (
    fields.length > 0 &&
    fields.every((field) => STEADY.test(field)) &&
    !format.replace(/\$\{[^}]*\}/g, '').includes('$')
  );
}
