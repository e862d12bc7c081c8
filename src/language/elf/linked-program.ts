import { type KeptParts, LinkStream } from '../../elf/index.ts';
import { ELF_MAGIC } from '../binary/magic.ts';
import type { ContentReader, ReadResult } from '../types.ts';

/** Bytes kept of a file while it passes; several layers are read at a time. */
const KEPT: KeptParts = { head: 8 * 1024 * 1024, tail: 256 * 1024, sparing: true };
/** Files of debug packages have headers without the bytes that these describe. */
const DEBUG = 'usr/lib/debug/';

/** `LinkFacts` of every program and shared library: what they are linked against, and where it is looked for. */
export const linkedProgram: ContentReader = {
  id: 'elf',
  version: 1,
  files: { magic: [ELF_MAGIC], libraries: true },
  wants: ({ path }) => (path.startsWith(DEBUG) || path.endsWith('.debug') ? 'no' : { kind: 'stream' }),
  open: ({ size }) => {
    const stream = new LinkStream(size, KEPT);
    return {
      write: (chunk) => stream.write(chunk),
      end: (): ReadResult => {
        const facts = stream.end();
        if (facts === 'none') return {};
        if (facts === 'unknown') return { problems: ['the names of its libraries lie where they are not looked for'] };
        return { facts: facts as unknown as NonNullable<ReadResult['facts']> };
      },
    };
  },
};
