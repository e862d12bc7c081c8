import { LayerReading } from '../layer-reading.ts';
import { ALL_READERS } from '../readers.ts';
import type { FileFinding } from '../types.ts';

/** What all readers make of one executable file that passes in chunks of `step` bytes. */
export async function readProgram(path: string, bytes: Buffer, step = 65_536): Promise<readonly FileFinding[]> {
  const reading = new LayerReading(ALL_READERS);
  const sink = reading.entry(path, bytes.length, 0o755);
  for (let at = 0; at < bytes.length; at += step) {
    // As in a layer: what a chunk holds is gone after the call.
    const chunk = Buffer.from(bytes.subarray(at, at + step));
    sink?.write(chunk);
    chunk.fill(0xaa);
  }
  sink?.end();
  return reading.finish();
}
