import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/index.ts';
import type { ImageContents } from '../inventory/index.ts';
import type { CliContext } from './context.ts';
import { cliError } from './errors.ts';

export interface ReadContentsOptions {
  /** `os/architecture[/variant]`; the host's by default. */
  readonly platform?: string;
  /** Compare file contents exactly later on. */
  readonly hashFiles?: boolean;
  /** Of a root folder, look at the package database alone: finding packages of languages takes a walk over all files. */
  readonly systemOnly?: boolean;
  /** Also tell which packages are used. */
  readonly usage?: boolean;
  /** Started while layers are being unpacked, on other threads: loading what comes after costs no time then. */
  readonly meanwhile?: () => Promise<unknown>;
}

/** What stands before the file of an SBOM, where an image's own reference may stand. */
const SBOM = 'sbom:';

/** @throws CLI_USAGE where the file cannot be read, INVENTORY_SBOM_INVALID, INVENTORY_SBOM_LIMIT */
async function readSbomFile(path: string, context: CliContext): Promise<ImageContents> {
  const { readSbom } = await import('../inventory/sbom/index.ts');
  const bytes = await readFile(path, { signal: context.signal }).catch((error: unknown) => {
    context.signal.throwIfAborted();
    throw cliError('CLI_USAGE', `sbom:${path} cannot be read: ${messageOf(error)}`);
  });
  return readSbom(bytes);
}

/** What is inside the image (or root folder, or what an SBOM says is inside) that a reference names. Loads only what reading it takes. */
export async function readContents(
  text: string,
  context: CliContext,
  options: ReadContentsOptions = {},
): Promise<ImageContents> {
  if (text.startsWith(SBOM)) return readSbomFile(text.slice(SBOM.length), context);
  const [{ isForThread, prepareThread }, oci] = await Promise.all([
    import('../archive/index.ts'),
    import('../oci/index.ts'),
  ]);
  const reference = oci.parseReference(text);
  if (reference.kind === 'dir') {
    const { inspectImage } = await import('../inventory/index.ts');
    return inspectImage(
      { kind: 'dir', root: reference.root },
      { signal: context.signal, systemOnly: options.systemOnly === true, usage: options.usage === true },
    );
  }
  const { openImage } = await import('../transport/index.ts');
  const image = await openImage(reference, {
    signal: context.signal,
    ...(options.platform === undefined ? {} : { platform: oci.parsePlatform(options.platform) }),
  });
  try {
    const { directoryLayerCache } = await import('../inventory/cache/index.ts');
    const layerCache = directoryLayerCache(join(context.home.cache, 'layers'));
    const wantsThread = image.manifest.layers.some(({ digest, size }) => isForThread(size) && !layerCache.has(digest));
    if (wantsThread) prepareThread();
    const { inspectImage } = await import('../inventory/index.ts');
    return await inspectImage(image, {
      layerCache,
      hashFiles: options.hashFiles === true,
      usage: options.usage === true,
      progress: context.progress,
      signal: context.signal,
      // What it loads is asked for again by who needs it, and its failure is reported there.
      reading: () => void options.meanwhile?.().catch(() => undefined),
    });
  } finally {
    await image.close();
  }
}
