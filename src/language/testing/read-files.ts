import { LayerReading } from '../layer-reading.ts';
import { ALL_READERS } from '../readers.ts';
import type { FileFinding } from '../types.ts';

/** What all readers make of files, path → content, as if they lay in one layer. */
export async function readFiles(files: Readonly<Record<string, string | Buffer>>): Promise<readonly FileFinding[]> {
  const reading = new LayerReading(ALL_READERS);
  for (const [path, content] of Object.entries(files)) {
    const bytes = Buffer.from(content);
    const sink = reading.entry(path, bytes.length, 0o644);
    if (bytes.length > 0) sink?.write(bytes);
    sink?.end();
  }
  return reading.finish();
}

/** The packages of one file as `ecosystem name version`, with `declared` and `dev` where they hold. */
export async function packagesIn(path: string, content: string | Buffer): Promise<readonly string[]> {
  const findings = await readFiles({ [path]: content });
  return findings.flatMap(({ packages = [] }) =>
    packages.map(({ ecosystem, name, version, state, dev }) =>
      [ecosystem, name, version, ...(state === 'declared' ? [state] : []), ...(dev === true ? ['dev'] : [])].join(' '),
    ),
  );
}
