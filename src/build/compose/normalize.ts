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
 * What commands changed, as layer entries with content, without what is volatile; removals as whiteouts (image-spec
 * layer.md). `atEpoch` gives them their times.
 */
export async function takeChanges(changes: AsyncIterable<Change> | Iterable<Change>): Promise<readonly LayerItem[]> {
  const items: LayerItem[] = [];
  const dropped = new Set<string>();
  for await (const change of changes) {
    if (change.kind !== 'entry') {
      const path = change.kind === 'whiteout' ? whiteoutOf(change.path) : opaqueOf(change.path);
      if (judge(change.path, 'file', 0) === 'keep') items.push(emptyFile(path));
      continue;
    }
    const { header } = change;
    const verdict = judge(header.path, header.type, header.size);
    if (verdict === 'drop') {
      dropped.add(header.path);
      continue;
    }
    if (header.type !== 'file' || change.content === undefined) {
      items.push({ header });
      continue;
    }
    const content = verdict === 'empty' ? Buffer.alloc(0) : readFileSync(change.content);
    items.push({ header: { ...header, size: content.length }, content });
  }
  return withoutDanglingLinks(items, dropped);
}

/**
 * The same entries for an image whose newest file is of `epoch`: that is the time of all that commands made or changed,
 * and the day of passwords. A time they set themselves is no better: update-alternatives gives its links that of the
 * program they lead to, so that it would change with each update, without anything having been read.
 */
export function atEpoch(items: readonly LayerItem[], epoch: number): readonly LayerItem[] {
  return items.map(({ header, content }) => {
    const mtime = epoch;
    if (content === undefined) return { header: { ...header, mtime } };
    if (!/^etc\/g?shadow$/.test(header.path)) return { header: { ...header, mtime }, content };
    const dated = normalizeShadow(content as Buffer, epoch);
    return { header: { ...header, mtime, size: dated.length }, content: dated };
  });
}

function emptyFile(path: string): LayerItem {
  return {
    header: { path, type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0 },
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
