import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import type { TarHeader } from '../../archive/index.ts';
import type { FlatTree } from '../../oci/index.ts';
import type { Change } from '../../runtime/sandbox/index.ts';
import { isSystemPath } from './system-layers.ts';

/** What tells programs where to look: configuration, and what packages run and watch. */
const TELLING =
  /^(?:etc\/|var\/lib\/dpkg\/(?:alternatives\/|triggers\/|diversions$|statoverride$|info\/[^/]+\.(?:preinst|postinst|prerm|postrm|config|triggers)$))/;

/** `/name` where an absolute path may begin: not inside a longer path, but after a variable. */
const BEGINNING = /(?:(?<![\w./~+@-])|\$\w+|\})\/+([\w.+@-]+)/g;

/** As shells, Python, Perl and nearly all configuration files have them. */
const COMMENT = /^[ \t]*#.*$/gm;

/** Bytes of a file that tells; larger ones are no configuration. */
const MAX_FILE = 16 * 1024 * 1024;

/**
 * Names right below `/` that the image's configuration or its maintainer scripts spell, or that its links lead to, so
 * that a package could look there although they are not the system's.
 *
 * @param root the image below, unpacked
 * @param changes what the package manager made of it
 * @returns undefined where that cannot be told
 */
export function mentionedFolders(
  tree: FlatTree,
  root: string,
  changes: readonly Change[],
): ReadonlySet<string> | undefined {
  const found = new Set<string>();
  const files: (Buffer | string)[] = [];
  const look = (
    { path, type, linkName = '' }: Pick<TarHeader, 'path' | 'type' | 'linkName'>,
    file: Buffer | string,
  ) => {
    if (type === 'symlink' && isSystemPath(path)) found.add(linkedFolder(path, linkName));
    if (type === 'file' && TELLING.test(path)) files.push(file);
  };
  for (const [path, { entry }] of tree) look(entry, `${root}/${path}`);
  for (const change of changes) if (change.kind === 'entry') look(change.header, change.content ?? '');
  for (const file of files) {
    const content = readPlainFile(file);
    if (content === undefined) return undefined;
    for (const name of namesIn(content)) found.add(name);
  }
  return new Set([...found].filter((name) => !isSystemPath(name)));
}

function readPlainFile(file: Buffer | string): Buffer | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    return stat.isFile() && stat.size <= MAX_FILE ? readFileSync(descriptor) : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Names right below `/` in a file's text, its comments aside. */
export function namesIn(content: Buffer): ReadonlySet<string> {
  const text = content.toString('latin1').replace(COMMENT, '');
  return new Set([...text.matchAll(BEGINNING)].map(([, name = '']) => name));
}

/** The folder right below `/` that a link's text leads to; other links on the way are not followed. */
function linkedFolder(path: string, target: string): string {
  const steps: string[] = target.startsWith('/') ? [] : path.split('/').slice(0, -1);
  for (const step of target.split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return steps[0] ?? '';
}
