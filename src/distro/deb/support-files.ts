import type { DebArchive } from './archive.ts';
import { SUPPORT_FOLDER } from './security-support.ts';

/** The lists inside a package debian-security-support, by name. */
export async function securitySupportFiles(deb: DebArchive): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const { path, type, content } of await deb.data()) {
    if (type === 'file' && path.startsWith(`${SUPPORT_FOLDER}/`))
      files.set(path.slice(SUPPORT_FOLDER.length + 1), content);
  }
  return files;
}
