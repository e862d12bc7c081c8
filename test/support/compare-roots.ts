import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';

/** What differs between any two runs of a package manager: logs, caches, locks, and what the test itself wrote. */
const ASIDE = [
  /^(?:dev|proc|sys|tmp|run|var\/tmp|var\/log|root\/\.npm)(?:\/|$)/,
  /^var\/cache\/(?!debconf\/)/,
  /^var\/cache\/debconf\/.*-old$/,
  /^var\/lib\/apt\/(?:lists|extended_states|periodic)/,
  /^var\/lib\/dpkg\/(?:lock|lock-frontend|triggers\/Lock|[a-z]+-old)$/,
  /^etc\/(?:resolv\.conf|hosts|hostname|apt\/sources\.list(?:\.d)?)$/,
  /^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$/,
];

export type RootFacts = ReadonlyMap<string, string>;

/** path → kind, mode, owner and content; times aside, but for Python's sources, whose byte code holds them. */
export function factsOfRoot(root: string): RootFacts {
  const facts = new Map<string, string>();
  const visit = (prefix: string): void => {
    for (const name of readdirSync(join(root, prefix)).sort()) {
      const path = prefix === '' ? name : `${prefix}/${name}`;
      if (ASIDE.some((pattern) => pattern.test(path))) continue;
      const stat = lstatSync(join(root, path));
      facts.set(path, describe(path, join(root, path), stat));
      if (stat.isDirectory()) visit(path);
    }
  };
  visit('');
  return facts;
}

function describe(path: string, file: string, stat: Stats): string {
  const { mode, uid, gid } = stat;
  const owner = `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
  if (stat.isDirectory()) return `folder ${owner}`;
  if (stat.isSymbolicLink()) return `link ${uid}:${gid} ${readlinkSync(file)}`;
  if (!stat.isFile()) return `node ${owner}`;
  const time = path.endsWith('.py') && !isBuilt(path) ? ` ${Math.floor(stat.mtimeMs / 1000)}` : '';
  return `file ${owner} ${contentOf(path, file)}${time}`;
}

/** Where no package puts files: what lies there was made or copied when the image was built, and has that time. */
const isBuilt = (path: string): boolean => /^(?:usr\/local|opt|srv|home|var\/www)\//.test(path);

/** Bytes of Python's byte code that hold the time of its source (PEP 552). */
const CODE_TIME = [8, 12] as const;

function contentOf(path: string, file: string): string {
  const bytes = readFileSync(file);
  if (path.endsWith('.pyc') && isBuilt(path) && bytes.length > CODE_TIME[1]) bytes.fill(0, ...CODE_TIME);
  // dpkg writes its database in the order of its own memory; the set of stanzas is what counts.
  const text = /^var\/lib\/dpkg\/(?:status|available)$/.test(path)
    ? bytes.toString().split('\n\n').sort().join('\n\n')
    : bytes;
  return createHash('sha256').update(text).digest('hex');
}

/** One line for each path that is not the same. */
export function differences(ours: RootFacts, theirs: RootFacts): readonly string[] {
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .filter((path) => ours.get(path) !== theirs.get(path))
    .sort()
    .map((path) => `${path}: ${ours.get(path) ?? 'absent'} instead of ${theirs.get(path) ?? 'absent'}`);
}
