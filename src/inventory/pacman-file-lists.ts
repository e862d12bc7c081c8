import { isAskedFor } from './asked-files.ts';
import type { OwnedFilesSource } from './owned-files.ts';

const LOCAL = 'var/lib/pacman/local';
const LIST = /^var\/lib\/pacman\/local\/[^/]+\/files$/;

/** Which package owns which file, as pacman keeps it: `local/NAME-VERSION-RELEASE/files`, folders included. */
export const pacmanFileLists: OwnedFilesSource = {
  isFileList: (path) => LIST.test(path),
  condense: (_, bytes) => {
    const [, files = ''] = bytes.toString('latin1').split('%FILES%\n', 2);
    const lines = files.slice(0, Math.max(0, `${files}\n\n`.indexOf('\n\n'))).split('\n');
    return Buffer.from(lines.filter((line) => !line.endsWith('/') && isAskedFor(line)).join('\n'), 'latin1');
  },
  owned: async function* ({ view }) {
    for (const name of await view.list(LOCAL)) {
      const owner = /^(.+)-[^-]+-[^-]+$/.exec(name)?.[1];
      const file = owner === undefined ? undefined : await view.read(`${LOCAL}/${name}/files`);
      if (owner === undefined || file?.kind !== 'content') continue;
      yield { owner, paths: Buffer.from(file.bytes).toString('utf8').split('\n') };
    }
  },
};
