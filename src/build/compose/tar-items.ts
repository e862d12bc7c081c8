import { createTarWriter, readTarBuffer } from '../../archive/index.ts';
import type { LayerItem } from '../../oci/index.ts';

/** Items with content in memory as one archive, in their order. */
export function tarOf(items: readonly LayerItem[]): Buffer {
  const chunks: Uint8Array[] = [];
  const writer = createTarWriter((chunk) => chunks.push(chunk));
  for (const { header, content } of items) writer.add(header, content as Uint8Array | undefined);
  writer.finish();
  return Buffer.concat(chunks);
}

/** Reads what `tarOf` wrote. */
export function itemsOf(tar: Buffer): readonly LayerItem[] {
  return [...readTarBuffer(tar)].map(({ content, ...header }) =>
    header.type === 'file' ? { header, content } : { header },
  );
}
