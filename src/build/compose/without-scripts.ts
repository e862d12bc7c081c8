import type { LayerItem } from '../../oci/index.ts';

/** Files in package layers that stand in for a postinst when none is run. */
export const MASTER_PASSWD = 'usr/share/base-passwd/passwd.master';
export const MASTER_GROUP = 'usr/share/base-passwd/group.master';
export const CERTIFICATES = 'usr/share/ca-certificates/';

const FOLDERS: readonly (readonly [path: string, mode: number])[] = [
  ['dev', 0o755],
  ['etc', 0o755],
  ['etc/ssl', 0o755],
  ['etc/ssl/certs', 0o755],
  ['home', 0o755],
  ['proc', 0o555],
  ['root', 0o700],
  ['run', 0o755],
  ['sys', 0o555],
  ['tmp', 0o1777],
  ['var', 0o755],
  ['var/tmp', 0o1777],
];

function file(path: string, content: Buffer, epoch: number, mode = 0o644): LayerItem {
  return { header: { path, type: 'file', mode, uid: 0, gid: 0, size: content.length, mtime: epoch }, content };
}

/**
 * What an image without maintainer scripts needs to be usable all the same: the folders a bootstrap makes, the accounts
 * of base-passwd, and the certificate bundle as update-ca-certificates concatenates it (all certificates, by path).
 * @param sources content of the package files named above, by path
 */
export function withoutScriptsItems(
  sources: ReadonlyMap<string, Buffer>,
  taken: ReadonlySet<string>,
  epoch: number,
): readonly LayerItem[] {
  const certificates = [...sources.keys()]
    .filter((path) => path.startsWith(CERTIFICATES) && path.endsWith('.crt'))
    .sort();
  const bundle = Buffer.concat(certificates.map((path) => withNewline(sources.get(path) as Buffer)));
  const passwd = sources.get(MASTER_PASSWD);
  const group = sources.get(MASTER_GROUP);
  return [
    ...FOLDERS.filter(([path]) => !taken.has(path) && (certificates.length > 0 || !path.startsWith('etc/ssl'))).map(
      ([path, mode]) => ({
        header: { path, type: 'directory' as const, mode, uid: 0, gid: 0, size: 0, mtime: epoch },
      }),
    ),
    ...(passwd === undefined ? [] : [file('etc/passwd', passwd, epoch)]),
    ...(group === undefined ? [] : [file('etc/group', group, epoch)]),
    ...(certificates.length > 0 ? [file('etc/ssl/certs/ca-certificates.crt', bundle, epoch)] : []),
  ];
}

const withNewline = (bytes: Buffer): Buffer =>
  bytes.at(-1) === 0x0a ? bytes : Buffer.concat([bytes, Buffer.from('\n')]);
