import type { LayerItem } from '../../oci/index.ts';
import type { RecipeUser } from '../../recipe/index.ts';

/** Account files by path, as they stand in the image so far. */
export type AccountFiles = ReadonlyMap<
  string,
  { readonly content: Buffer; readonly mode: number; readonly gid: number }
>;

export const ACCOUNT_PATHS = ['etc/passwd', 'etc/group', 'etc/shadow', 'etc/gshadow'] as const;

const DAY = 86_400;
const PRIVATE = 0o640;

const linesOf = (content: Buffer | undefined): string[] =>
  (content?.toString('utf8') ?? '').split('\n').filter((line) => line !== '');

/** The lines with those of the same name replaced, new ones last. */
function put(lines: readonly string[], name: string, line: string): string[] {
  const at = lines.findIndex((candidate) => candidate.startsWith(`${name}:`));
  return at < 0 ? [...lines, line] : lines.with(at, line);
}

/** Account files with a recipe's users added (passwd(5), group(5), shadow(5)); passwords are locked. */
export function accountItems(files: AccountFiles, users: readonly RecipeUser[], epoch: number): readonly LayerItem[] {
  if (users.length === 0) return [];
  // Without the passwd package there are no shadow files, and an `x` would point to nothing.
  const hasShadow = files.has('etc/shadow');
  let [passwd, group, shadow, gshadow] = ACCOUNT_PATHS.map((path) => linesOf(files.get(path)?.content)) as [
    string[],
    string[],
    string[],
    string[],
  ];
  for (const user of users) {
    const gid = user.gid ?? user.uid;
    const home = user.home ?? '/nonexistent';
    const shell = user.shell ?? '/usr/sbin/nologin';
    passwd = put(passwd, user.name, `${user.name}:${hasShadow ? 'x' : '*'}:${user.uid}:${gid}::${home}:${shell}`);
    shadow = put(shadow, user.name, `${user.name}:!:${Math.floor(epoch / DAY)}:0:99999:7:::`);
    if (!group.some((line) => line.split(':')[2] === String(gid))) {
      group = put(group, user.name, `${user.name}:${hasShadow ? 'x' : '*'}:${gid}:`);
      gshadow = put(gshadow, user.name, `${user.name}:!::`);
    }
  }
  const contents = { 'etc/passwd': passwd, 'etc/group': group, 'etc/shadow': shadow, 'etc/gshadow': gshadow };
  return ACCOUNT_PATHS.filter((path) => hasShadow || !path.endsWith('shadow')).map((path) => {
    const content = Buffer.from(`${contents[path].join('\n')}\n`, 'utf8');
    const was = files.get(path);
    const secret = path.endsWith('shadow');
    const header = {
      ...{ path, type: 'file' as const, uid: 0, size: content.length, mtime: epoch },
      mode: was?.mode ?? (secret ? PRIVATE : 0o644),
      gid: was?.gid ?? (secret ? 42 : 0),
    };
    return { header, content };
  });
}
