import type { ContentReader } from '../types.ts';
import { ELF_MAGIC, isPacked } from './magic.ts';

/** Says of packed programs that nothing could be read of them. */
export const packedProgram: ContentReader = {
  id: 'packed-program',
  version: 1,
  files: { magic: [ELF_MAGIC] },
  wants: (_, head) => (isPacked(head) ? { kind: 'stream' } : 'no'),
  open: () => ({
    write: () => undefined,
    end: () => ({ problems: ['is packed by UPX: what it is made of cannot be read'] }),
  }),
};
