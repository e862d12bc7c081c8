import type { EcosystemId } from '../distro/index.ts';
import { FAMILY_SOURCES } from '../feed/index.ts';
import { PATHS } from './captured-paths.ts';
import type { FileView } from './file-view.ts';

async function aptPaths(view: FileView): Promise<readonly string[]> {
  const parts = (await view.list(PATHS.aptSourcesFolder)).filter((name) => /\.(?:list|sources)$/.test(name));
  return [PATHS.aptSources, ...parts.map((name) => `${PATHS.aptSourcesFolder}/${name}`)];
}

async function pathsOf(view: FileView, family: EcosystemId): Promise<readonly string[]> {
  if (family === 'deb') return aptPaths(view);
  const paths: string[] = [];
  for (const place of FAMILY_SOURCES[family] ?? []) {
    const folder = place.endsWith('/*') ? place.slice(0, -2) : undefined;
    if (folder === undefined) paths.push(place);
    else paths.push(...(await view.list(folder)).map((name) => `${folder}/${name}`));
  }
  return paths;
}

/** The package manager's own configuration of where packages come from, in its order. */
export async function readPackageSources(
  view: FileView,
  family: EcosystemId = 'deb',
): Promise<readonly { readonly path: string; readonly bytes: Uint8Array }[]> {
  const found: { path: string; bytes: Uint8Array }[] = [];
  for (const path of await pathsOf(view, family)) {
    const file = await view.read(path);
    if (file?.kind === 'content' && file.bytes.length > 0) found.push({ path, bytes: file.bytes });
  }
  return found;
}
