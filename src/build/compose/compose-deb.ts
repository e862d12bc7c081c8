import { createdAt } from './created-at.ts';
import { finishImage } from './finish.ts';
import { refuseForeignScripts } from './foreign.ts';
import { filesOfBase, lockFor } from './lock-for.ts';
import type { Lock } from './lock-form.ts';
import { packageLayers } from './package-layers.ts';
import { topLayers } from './top-layer.ts';
import type { ComposedImage, ComposeRequest } from './types.ts';

/** A Debian image: as `compose`, of packages that dpkg knows. */
export async function composeDeb(request: ComposeRequest): Promise<ComposedImage> {
  const started = performance.now();
  const { recipe } = request;
  await refuseForeignScripts(request);
  const baseFiles = await filesOfBase(request);
  const draft = await lockFor(request, baseFiles);
  const compression = recipe.compression ?? 'zstd';
  const { layers, records } = await packageLayers(request, draft.packages, compression);
  const epoch = Math.max(0, createdAt(request), ...records.map(({ mtime }) => mtime));
  const lock: Lock = { ...draft, epoch };
  let scripts: string | undefined;
  const explain = (text: string): void => {
    scripts = text;
  };
  const top = await topLayers(request, { lock, layers, records, baseFiles, explain });
  return finishImage(request, { lock, layers: [...layers, ...top], scripts, started });
}
