import type { LinkFacts } from '../link-facts.ts';
import type { LoaderRoot } from './loader-root.ts';

/** Debian's folder names below lib, by machine. */
const TRIPLETS: Readonly<Record<string, readonly [little: string, big: string]>> = {
  x86_64: ['x86_64-linux-gnu', ''],
  i386: ['i386-linux-gnu', ''],
  aarch64: ['aarch64-linux-gnu', 'aarch64_be-linux-gnu'],
  arm: ['arm-linux-gnueabihf', ''],
  ppc64: ['powerpc64le-linux-gnu', 'powerpc64-linux-gnu'],
  ppc: ['', 'powerpc-linux-gnu'],
  s390: ['', 's390x-linux-gnu'],
  riscv: ['riscv64-linux-gnu', ''],
  mips: ['mips64el-linux-gnuabi64', 'mips-linux-gnu'],
  loongarch: ['loongarch64-linux-gnu', ''],
};

/** Processor levels with folders of their own (ld.so --help), best first. */
export const HWCAPS: Readonly<Record<string, readonly string[]>> = {
  x86_64: ['x86-64-v4', 'x86-64-v3', 'x86-64-v2'],
  ppc64: ['power10', 'power9'],
  s390: ['z16', 'z15', 'z14', 'z13'],
};

export const tripletOf = ({ machine, big }: LinkFacts): string => TRIPLETS[machine]?.[big === true ? 1 : 0] ?? '';

/** What glibc was built to search: Debian's multiarch folders, lib64, lib. */
export function defaultFolders(facts: LinkFacts): readonly string[] {
  const triplet = tripletOf(facts);
  return [
    ...(triplet === '' ? [] : [`/lib/${triplet}`, `/usr/lib/${triplet}`]),
    ...(facts.class === 64 ? ['/lib64', '/usr/lib64'] : []),
    '/lib',
    '/usr/lib',
  ];
}

const MAX_INCLUDES = 16;
const MAX_FOLDERS = 1000;

/** Folders of /etc/ld.so.conf and what it includes, in order. They count where ldconfig has written its cache. */
export function configuredFolders(root: LoaderRoot): readonly string[] {
  if (!root.has('etc/ld.so.cache')) return [];
  const folders: string[] = [];
  const read = (path: string, depth: number): void => {
    for (const raw of root.text(path)?.split('\n') ?? []) {
      const line = raw.replace(/#.*/, '').trim();
      const included = /^include\s+(.+)$/.exec(line)?.[1];
      if (included !== undefined && depth < MAX_INCLUDES) {
        for (const pattern of included.split(/\s+/)) {
          for (const file of matching(root, pattern, path)) read(file, depth + 1);
        }
      } else if (line.startsWith('/') && folders.length < MAX_FOLDERS) folders.push(line.replace(/=.*$/, ''));
    }
  };
  read('etc/ld.so.conf', 0);
  return [...new Set(folders)];
}

/** Files that a glob stands for, relative to the file that includes it; `*` and `?` in the last part alone. */
function matching(root: LoaderRoot, pattern: string, from: string): readonly string[] {
  const path = pattern.startsWith('/') ? pattern.slice(1) : `${from.slice(0, from.lastIndexOf('/'))}/${pattern}`;
  const slash = path.lastIndexOf('/');
  const [folder, name] = [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)];
  if (!/[*?]/.test(name)) return [path];
  const parts = name.split(/[*?]+/);
  return root
    .list(folder)
    .filter((one) => !one.startsWith('.') && inOrder(one, parts))
    .map((one) => `${folder}/${one}`);
}

/** Whether a name begins, goes on and ends with the parts between wildcards. */
function inOrder(name: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop() ?? '';
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    at = name.indexOf(part, at);
    if (at < 0) return false;
    at += part.length;
  }
  return at <= name.length - last.length;
}

/** What musl searches: its own file of folders, or what it was built with. */
export function muslFolders(root: LoaderRoot, interpreter: string): readonly string[] {
  const architecture = /ld-musl-([^/]+)\.so/.exec(interpreter)?.[1] ?? '';
  const text = root.text(`etc/ld-musl-${architecture}.path`);
  if (text === undefined) return ['/lib', '/usr/local/lib', '/usr/lib'];
  return text.split(/[\n:]/).filter((path) => path !== '');
}
