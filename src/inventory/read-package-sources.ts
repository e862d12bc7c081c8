import { PATHS } from './captured-paths.ts';
import type { FileView } from './file-view.ts';

/** apt's own configuration of where packages come from, in apt's order. */
export async function readPackageSources(
  view: FileView,
): Promise<readonly { readonly path: string; readonly bytes: Uint8Array }[]> {
  const parts = (await view.list(PATHS.aptSourcesFolder)).filter((name) => /\.(?:list|sources)$/.test(name));
  const paths = [PATHS.aptSources, ...parts.map((name) => `${PATHS.aptSourcesFolder}/${name}`)];
  const found: { path: string; bytes: Uint8Array }[] = [];
  for (const path of paths) {
    const file = await view.read(path);
    if (file?.kind === 'content' && file.bytes.length > 0) found.push({ path, bytes: file.bytes });
  }
  return found;
}
