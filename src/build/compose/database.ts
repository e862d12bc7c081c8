import type { TarHeader } from '../../archive/index.ts';
import { readStatus, type Stanza, statusStanza, writeStatus } from '../../distro/index.ts';
import type { LayerItem } from '../../oci/index.ts';
import { INFO_FOLDER } from './package-content.ts';
import { controlOf } from './package-order.ts';
import type { PackageRecord } from './package-record.ts';
import { registerTriggers } from './triggers.ts';

export const STATUS_PATH = 'var/lib/dpkg/status';
const TRIGGERS = 'var/lib/dpkg/triggers';

/** Text files of dpkg's database that a build adds to, by path; from the base image, or empty. */
export type DatabaseFiles = ReadonlyMap<string, Buffer>;

/** Stanzas of the base with those of added packages. */
export function stanzasWith(
  base: DatabaseFiles,
  added: readonly PackageRecord[],
  state: 'unpacked' | 'installed',
): readonly Stanza[] {
  const before = base.get(STATUS_PATH);
  const stanzas = added.map((record) =>
    statusStanza(controlOf(record), {
      state,
      conffiles: record.conffiles.filter(([, md5]) => md5 !== 'newconffile'),
    }),
  );
  const names = new Set(added.map((record) => `${record.name}:${record.architecture}`));
  const kept = before === undefined ? [] : readStatus(before, { what: 'the base image' }).stanzas;
  return [...kept.filter((stanza) => !names.has(`${stanza.get('Package')}:${stanza.get('Architecture')}`)), ...stanzas];
}

function file(path: string, content: Buffer | string, mtime: number): LayerItem {
  const bytes = Buffer.from(content);
  return { header: { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: bytes.length, mtime }, content: bytes };
}

function folder(path: string, mtime: number, mode = 0o755): LayerItem {
  const header: TarHeader = { path, type: 'directory', mode, uid: 0, gid: 0, size: 0, mtime };
  return { header };
}

/**
 * dpkg's database as `dpkg --unpack` of the added packages would leave it (`unpacked`), or as after their
 * configuration without scripts (`installed`).
 */
export function databaseItems(
  base: DatabaseFiles,
  added: readonly PackageRecord[],
  state: 'unpacked' | 'installed',
  epoch: number,
): readonly LayerItem[] {
  const before = new Map(
    [...base]
      .filter(([path]) => path.startsWith(`${TRIGGERS}/`))
      .map(([path, content]) => [path.slice(TRIGGERS.length + 1), content.toString('utf8')]),
  );
  const triggers = registerTriggers(before, added);
  return [
    ...['var', 'var/lib', 'var/lib/dpkg', INFO_FOLDER, TRIGGERS, 'var/lib/dpkg/updates', 'var/lib/dpkg/parts'].map(
      (path) => folder(path, epoch),
    ),
    folder('var/lib/dpkg/alternatives', epoch),
    file(`${INFO_FOLDER}/format`, '1\n', epoch),
    ...[...triggers]
      .filter(([name]) => state === 'unpacked' || name !== 'Unincorp')
      .map(([name, content]) => file(`${TRIGGERS}/${name}`, content, epoch)),
    file(STATUS_PATH, writeStatus(stanzasWith(base, added, state)), epoch),
  ];
}
