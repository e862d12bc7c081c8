import type { PackageRecord } from './package-record.ts';

/** dpkg's trigger database (doc/spec/triggers.txt of dpkg): who waits for what, and what has happened. */
export interface TriggerFiles {
  /** Path below var/lib/dpkg/triggers → content. */
  readonly files: ReadonlyMap<string, string>;
}

interface Interest {
  readonly trigger: string;
  readonly package: string;
  readonly noawait: boolean;
}

const DIRECTIVE = /^(interest|interest-noawait|interest-await)\s+(\S+)\s*$/;

/** Lines of a package's `triggers` control file that say what it wants to hear of. */
function interests(record: PackageRecord): readonly Interest[] {
  const name = record.multiArch === 'same' ? `${record.name}:${record.architecture}` : record.name;
  return record.triggers.split('\n').flatMap((line) => {
    const match = DIRECTIVE.exec(line.replace(/#.*/, '').trim());
    if (match?.[2] === undefined) return [];
    return [{ trigger: match[2], package: name, noawait: match[1] === 'interest-noawait' }];
  });
}

/**
 * The trigger database after unpacking `added` onto a root whose database is `before`: interests registered, and
 * file triggers of packages that were there activated by the paths that came (they are pending until dpkg runs).
 */
export function registerTriggers(
  before: ReadonlyMap<string, string>,
  added: readonly PackageRecord[],
): ReadonlyMap<string, string> {
  const files = new Map(before);
  const known = parseFileInterests(before.get('File') ?? '');
  const named = new Map<string, string[]>();
  const fileLines = [...known];
  for (const { trigger, package: name, noawait } of added.flatMap(interests)) {
    const suffix = noawait ? '/noawait' : '';
    if (trigger.startsWith('/')) fileLines.push(`${trigger} ${name}${suffix}`);
    else named.set(trigger, [...(named.get(trigger) ?? lines(before.get(trigger))), `${name}${suffix}`]);
  }
  if (fileLines.length > 0) files.set('File', `${fileLines.join('\n')}\n`);
  for (const [trigger, packages] of named) files.set(trigger, `${packages.join('\n')}\n`);
  const activated = activatedBy(known, added);
  if (activated.length > 0) files.set('Unincorp', activated.map((trigger) => `${trigger} -\n`).join(''));
  return files;
}

const lines = (text: string | undefined): string[] => (text ?? '').split('\n').filter((line) => line !== '');
const parseFileInterests = (text: string): readonly string[] => lines(text);

/** File triggers whose path, or a folder above, is one that came. */
function activatedBy(known: readonly string[], added: readonly PackageRecord[]): readonly string[] {
  const triggers = new Set(known.map((line) => line.split(' ')[0] ?? ''));
  if (triggers.size === 0) return [];
  const hit = new Set<string>();
  for (const line of added.flatMap((record) => record.paths)) {
    const path = `/${line.startsWith('d ') ? line.split(' ').slice(4).join(' ') : line.slice(2)}`;
    for (let at = path.length; at > 0; at = path.lastIndexOf('/', at - 1)) {
      const candidate = path.slice(0, at);
      if (triggers.has(candidate)) hit.add(candidate);
    }
  }
  return [...hit].sort();
}
