import { readDynamic } from './dynamic.ts';
import { contentOf, readNotes, readSegments, SegmentType } from './segments.ts';
import { ElfView, invalid } from './view.ts';

const IDENT_BYTES = 16;

/**
 * All that ldconfig looks at in a library, as text to be compared: kind of file, processor and its flags, the dynamic
 * linker, names (DT_SONAME, DT_NEEDED), and the notes but the build id, of which it takes the system's version and what
 * the processor must be able to do. Two files with equal facts stand in /etc/ld.so.cache alike.
 * @see glibc, elf/readelflib.c and sysdeps/unix/sysv/linux/x86/readelflib
 * @throws ELF_INVALID, ELF_LIMIT
 */
export function linkerFacts(bytes: Uint8Array): string {
  try {
    const view = new ElfView(bytes);
    if (bytes.length < (view.is64 ? 64 : 52)) invalid('its header is truncated');
    const segments = readSegments(view);
    const dynamic = readDynamic(view, segments);
    const interpreter = segments.find(({ type }) => type === SegmentType.interpreter);
    return JSON.stringify([
      view.bytes.toString('hex', 0, IDENT_BYTES),
      [view.u16(16), view.u16(18), view.u32(20), view.u32(view.is64 ? 48 : 36)],
      interpreter === undefined ? null : contentOf(view, interpreter).toString('latin1'),
      dynamic?.soname ?? null,
      dynamic?.needed ?? null,
      dynamic?.isProgram ?? null,
      readNotes(view, segments)
        .filter(({ isBuildId }) => !isBuildId)
        .map(({ owner, type, content }) => [owner, type, content.toString('hex')]),
    ]);
  } catch (error) {
    // A read outside the bytes.
    if (error instanceof RangeError) invalid('a table lies outside the file');
    throw error;
  }
}
