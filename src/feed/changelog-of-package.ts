import { decompressBuffer, detectCompression } from '../archive/index.ts';
import { type ChangelogEntry, type DebArchive, readChangelog } from '../distro/index.ts';

/** Unpacked bytes of one changelog (linux has 4 MiB). */
const MAX_CHANGELOG_BYTES = 64 * 1024 * 1024;

/** What a package holds of its source's changelog. */
export type FoundChangelog =
  | { readonly kind: 'entries'; readonly entries: readonly ChangelogEntry[] }
  /** usr/share/doc/NAME is a link to another binary's folder. */
  | { readonly kind: 'elsewhere'; readonly binary: string }
  | { readonly kind: 'none' };

const FILE = /^usr\/share\/doc\/([^/]+)\/(changelog\.Debian|changelog)(?:\.gz)?$/;
const FOLDER = /^usr\/share\/doc\/([^/]+)$/;

/** Debian's own changelog stands in changelog.Debian; native packages have just changelog; upstream's is no use here. */
export async function changelogOfPackage(deb: DebArchive, source: string): Promise<FoundChangelog> {
  let elsewhere: string | undefined;
  const candidates: { readonly isDebian: boolean; readonly content: Buffer }[] = [];
  for (const entry of await deb.data()) {
    const file = FILE.exec(entry.path);
    if (entry.type === 'file' && file !== null) {
      candidates.push({ isDebian: file[2] === 'changelog.Debian', content: entry.content });
    }
    if (entry.type === 'symlink' && FOLDER.test(entry.path)) elsewhere = entry.linkName?.split('/').at(-1);
  }
  for (const { content } of candidates.sort((a, b) => Number(b.isDebian) - Number(a.isDebian))) {
    const text = await decompressBuffer(content, detectCompression(content), { maxBytes: MAX_CHANGELOG_BYTES });
    const entries = readChangelog(text).filter((entry) => entry.source === source);
    if (entries.length > 0) return { kind: 'entries', entries };
  }
  return elsewhere === undefined ? { kind: 'none' } : { kind: 'elsewhere', binary: elsewhere };
}
