import type { ApkFile } from '../../../distro/index.ts';
import type { ApkRoot } from './apk-root.ts';

/** `name:x:number:…` lines of etc/passwd and etc/group. */
function numbersOf(root: ApkRoot, path: string): ReadonlyMap<string, number> {
  const text = Buffer.from(root.read(root.real(path)) ?? '').toString('latin1');
  const numbers = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name = '', , number = ''] = line.split(':');
    if (/^\d{1,10}$/.test(number) && !numbers.has(name)) numbers.set(name, Number(number));
  }
  return numbers;
}

const isRoot = (name: string | undefined): boolean => name === undefined || name === '' || name === 'root';

/**
 * Files with the numbers that the names of their owners have in the root; a name it does not know keeps the package's
 * number. Undefined: all are root's already.
 */
export function withOwners(files: readonly ApkFile[], root: ApkRoot): readonly ApkFile[] | undefined {
  if (files.every(({ user, group, uid, gid }) => isRoot(user) && isRoot(group) && uid === 0 && gid === 0))
    return undefined;
  const [users, groups] = [numbersOf(root, 'etc/passwd'), numbersOf(root, 'etc/group')];
  const numberOf = (numbers: ReadonlyMap<string, number>, name: string | undefined, number: number): number =>
    name === 'root' ? 0 : (numbers.get(name ?? '') ?? number);
  return files.map((file) => ({
    ...file,
    uid: numberOf(users, file.user, file.uid),
    gid: numberOf(groups, file.group, file.gid),
  }));
}
