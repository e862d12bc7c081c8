import type { ContentReader } from '../types.ts';

const MARK = Buffer.from('#!');
/** Bytes of the first line that Linux looks at (BINPRM_BUF_SIZE). */
const LINE_BYTES = 256;

/** What the first line of an executable script says: what interprets it. */
export const scriptLine: ContentReader = {
  id: 'script',
  version: 1,
  files: { magic: [MARK] },
  wants: () => ({ kind: 'stream' }),
  open: () => {
    let line: string | undefined;
    return {
      write: (chunk) => {
        // The first chunk is a whole head of the file, or the whole file.
        line ??= (chunk.toString('latin1', MARK.length, LINE_BYTES).split('\n')[0] as string).trim();
      },
      end: () => (line === undefined || line === '' ? {} : { facts: line }),
    };
  },
};
