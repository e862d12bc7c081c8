import type { LayerItem } from '../../oci/index.ts';
import type { RecipeGroup, RecipeUser } from '../../recipe/index.ts';
import { composeError } from './errors.ts';
import { imagePath } from './merged-usr.ts';

/** Account files by path, as they stand in the image so far. */
export type AccountFiles = ReadonlyMap<
  string,
  { readonly content: Buffer; readonly mode: number; readonly gid: number }
>;

export const ACCOUNT_PATHS = ['etc/passwd', 'etc/group', 'etc/shadow', 'etc/gshadow'] as const;

type AccountPath = (typeof ACCOUNT_PATHS)[number];

const DAY = 86_400;
const PRIVATE = 0o640;

const linesOf = (content: Buffer | undefined): string[] =>
  (content?.toString('utf8') ?? '').split('\n').filter((line) => line !== '');

/** The lines with those of the same name replaced, new ones last. */
function put(lines: readonly string[], name: string, line: string): string[] {
  const at = lines.findIndex((candidate) => candidate.startsWith(`${name}:`));
  return at < 0 ? [...lines, line] : lines.with(at, line);
}

class Accounts {
  /** Without the passwd package there are no shadow files, and an `x` would point to nothing. */
  readonly hasShadow: boolean;
  readonly #lines: Record<AccountPath, string[]>;

  constructor(files: AccountFiles) {
    this.hasShadow = files.has('etc/shadow');
    const lines = (path: AccountPath): string[] => linesOf(files.get(path)?.content);
    this.#lines = {
      'etc/passwd': lines('etc/passwd'),
      'etc/group': lines('etc/group'),
      'etc/shadow': lines('etc/shadow'),
      'etc/gshadow': lines('etc/gshadow'),
    };
  }

  get #hidden(): string {
    return this.hasShadow ? 'x' : '*';
  }

  #put(path: AccountPath, name: string, line: string): void {
    this.#lines[path] = put(this.#lines[path], name, line);
  }

  group(name: string, gid: number): void {
    const [, , , members = ''] = this.#lines['etc/group'].find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    this.#put('etc/group', name, `${name}:${this.#hidden}:${gid}:${members}`);
    this.#put('etc/gshadow', name, `${name}:!::${members}`);
  }

  user(user: RecipeUser, epoch: number, noShell: string): void {
    const { name, uid, gid = uid, home = '/nonexistent', shell = noShell, comment = '' } = user;
    const ageing = user.system === true ? '::::::' : ':0:99999:7:::';
    this.#put('etc/passwd', name, `${name}:${this.#hidden}:${uid}:${gid}:${comment}:${home}:${shell}`);
    this.#put('etc/shadow', name, `${name}:!:${Math.floor(epoch / DAY)}${ageing}`);
    if (!this.#lines['etc/group'].some((line) => line.split(':')[2] === String(gid))) this.group(name, gid);
    for (const group of user.groups ?? []) this.#join(name, group);
  }

  #join(user: string, group: string): void {
    if (!this.#lines['etc/group'].some((line) => line.startsWith(`${group}:`))) {
      throw composeError('COMPOSE_ACCOUNT_INVALID', `${user} cannot be of the group ${group}: there is none`, {
        hint: 'Name it under `groups` of the recipe with its gid, or install the package that makes it.',
      });
    }
    for (const path of ['etc/group', 'etc/gshadow'] as const) {
      this.#lines[path] = this.#lines[path].map((line) =>
        line.startsWith(`${group}:`) ? withMember(line, user) : line,
      );
    }
  }

  content(path: AccountPath): Buffer {
    return Buffer.from(`${this.#lines[path].join('\n')}\n`, 'utf8');
  }
}

/** Members are the last of four fields in both files. */
function withMember(line: string, user: string): string {
  const fields = line.split(':');
  const members = (fields[3] ?? '').split(',').filter((name) => name !== '');
  return [...fields.slice(0, 3), [...members.filter((name) => name !== user), user].join(',')].join(':');
}

/** What differs between families of distributions. */
export interface AccountPlaces {
  /** Where a path lies in the image once links are followed. */
  readonly place: (path: string) => string;
  /** The shell of who has none. */
  readonly noShell: string;
}

const DEBIAN_PLACES: AccountPlaces = { place: imagePath, noShell: '/usr/sbin/nologin' };

/**
 * Account files with a recipe's users and groups added (passwd(5), group(5), shadow(5), gshadow(5)), and home folders;
 * passwords are locked.
 * @throws COMPOSE_ACCOUNT_INVALID
 */
export function accountItems(
  files: AccountFiles,
  users: readonly RecipeUser[],
  epoch: number,
  groups: readonly RecipeGroup[] = [],
  { place, noShell }: AccountPlaces = DEBIAN_PLACES,
): readonly LayerItem[] {
  if (users.length + groups.length === 0) return [];
  const accounts = new Accounts(files);
  for (const { name, gid } of groups) accounts.group(name, gid);
  for (const user of users) accounts.user(user, epoch, noShell);
  const items = ACCOUNT_PATHS.filter((path) => accounts.hasShadow || !path.endsWith('shadow')).map((path) => {
    const content = accounts.content(path);
    const was = files.get(path);
    const secret = path.endsWith('shadow');
    const header = {
      ...{ path, type: 'file' as const, uid: 0, size: content.length, mtime: epoch },
      mode: was?.mode ?? (secret ? PRIVATE : 0o644),
      gid: was?.gid ?? (secret ? 42 : 0),
    };
    return { header, content };
  });
  return [...items, ...users.flatMap((user) => homeItem(user, epoch, place))];
}

/** As `useradd --create-home` makes it; what is in /etc/skel is for people at a shell. */
function homeItem(
  { home, createHome, uid, gid = uid }: RecipeUser,
  epoch: number,
  place: (path: string) => string,
): readonly LayerItem[] {
  if (home === undefined || createHome !== true) return [];
  const path = place(
    home
      .split('/')
      .filter((part) => part !== '')
      .join('/'),
  );
  return [{ header: { path, type: 'directory', mode: 0o700, uid, gid, size: 0, mtime: epoch } }];
}
