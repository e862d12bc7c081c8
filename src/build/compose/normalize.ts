import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { type LayerItem, opaqueOf, whiteoutOf } from '../../oci/index.ts';
import type { Change } from '../../runtime/sandbox/index.ts';
import { judge } from './volatile.ts';

const DAY = 86_400;

/** Days since 1970 of the last password change: field 3 of /etc/shadow, the day of the build unless scripts care. */
function normalizeShadow(content: Buffer, epoch: number): Buffer {
  const day = String(Math.floor(epoch / DAY));
  const lines = content.toString('latin1').split('\n');
  const normalized = lines.map((line) => {
    const fields = line.split(':');
    if (fields.length < 9 || fields[2] === '') return line;
    fields[2] = day;
    return fields.join(':');
  });
  return Buffer.from(normalized.join('\n'), 'latin1');
}

/**
 * What commands changed, as layer entries that are the same whenever and wherever they ran: volatile things left out,
 * times not later than the epoch, removals as whiteouts (image-spec layer.md).
 */
export async function normalizeChanges(changes: AsyncIterable<Change>, epoch: number): Promise<readonly LayerItem[]> {
  const items: LayerItem[] = [];
  const dropped = new Set<string>();
  for await (const change of changes) {
    if (change.kind !== 'entry') {
      const path = change.kind === 'whiteout' ? whiteoutOf(change.path) : opaqueOf(change.path);
      if (judge(change.path, 'file', 0) === 'keep') items.push(emptyFile(path, epoch));
      continue;
    }
    const { header } = change;
    const verdict = judge(header.path, header.type, header.size);
    if (verdict === 'drop') {
      dropped.add(header.path);
      continue;
    }
    const mtime = Math.min(header.mtime, epoch);
    if (header.type !== 'file' || change.content === undefined) {
      items.push({ header: { ...header, mtime } });
      continue;
    }
    const read = verdict === 'empty' ? Buffer.alloc(0) : readFileSync(change.content);
    const content = /^etc\/g?shadow$/.test(header.path) ? normalizeShadow(read, epoch) : read;
    items.push({ header: { ...header, mtime, size: content.length }, content });
  }
  return withoutDanglingLinks(items, dropped);
}

function emptyFile(path: string, epoch: number): LayerItem {
  return {
    header: { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: epoch },
    content: Buffer.alloc(0),
  };
}

/** Links to what was left out go too: a hardlink without its first name, a symlink such as a certificate's hash name. */
function withoutDanglingLinks(items: readonly LayerItem[], dropped: ReadonlySet<string>): readonly LayerItem[] {
  const paths = new Set(items.map(({ header }) => header.path));
  return items.filter(({ header: { type, path, linkName = '' } }) => {
    if (type === 'hardlink') return paths.has(linkName);
    return type !== 'symlink' || !dropped.has(posix.resolve('/', posix.dirname(path), linkName).slice(1));
  });
}
