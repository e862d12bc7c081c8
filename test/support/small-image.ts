import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTarWriter } from '../../src/archive/index.ts';
import type { ImageConfig, ResolvedImage } from '../../src/oci/index.ts';
import { parseReference } from '../../src/oci/index.ts';
import { openImage } from '../../src/transport/index.ts';
import { layoutOf } from './debian-image.ts';

/** path → text, bytes, a program, a link, or null for a folder. */
export type SmallFiles = Readonly<
  Record<string, string | Buffer | { readonly program: string | Buffer } | { readonly link: string } | null>
>;

export function tarOf(files: SmallFiles): Buffer {
  const chunks: Buffer[] = [];
  const writer = createTarWriter((chunk) => chunks.push(Buffer.from(chunk)));
  const common = { uid: 0, gid: 0, mtime: 1_700_000_000 } as const;
  for (const [path, value] of Object.entries(files)) {
    if (value === null) writer.add({ path, type: 'directory', mode: 0o755, size: 0, ...common });
    else if (typeof value === 'object' && 'link' in value) {
      writer.add({ path, type: 'symlink', mode: 0o777, size: 0, linkName: value.link, ...common });
    } else {
      const isProgram = typeof value === 'object' && 'program' in value;
      const bytes = Buffer.from(isProgram ? value.program : value);
      writer.add({ path, type: 'file', mode: isProgram ? 0o755 : 0o644, size: bytes.length, ...common }, bytes);
    }
  }
  writer.finish();
  return Buffer.concat(chunks);
}

/** The host's shell with the libraries it needs: enough of a root to run scripts in. */
export function shellFiles(): SmallFiles {
  const files: Record<string, SmallFiles[string]> = {};
  const libraries = execFileSync('ldd', ['/bin/sh'], { encoding: 'utf8' });
  for (const [path] of libraries.matchAll(/\/\S+/g)) files[path.slice(1)] = { program: readFileSync(path) };
  return { ...files, 'bin/sh': { program: readFileSync(realpathSync('/bin/sh')) } };
}

/** An image of hand-made layers, in a layout on disk; the caller closes it. */
export async function smallImage(
  folder: string,
  name: string,
  layers: readonly SmallFiles[],
  config: Partial<ImageConfig> = {},
): Promise<ResolvedImage & { close(): Promise<void> }> {
  await mkdir(folder, { recursive: true });
  const tars = await Promise.all(
    layers.map(async (files, at) => {
      const file = join(folder, `${name}-${at}.tar`);
      await writeFile(file, tarOf(files));
      return file;
    }),
  );
  return openImage(parseReference(await layoutOf(join(folder, name), tars, config)));
}
