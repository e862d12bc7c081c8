import { isAskedFor } from './asked-files.ts';
import type { FileView } from './file-view.ts';
import type { OwnedFilesSource } from './owned-files.ts';

const INFO = 'var/lib/dpkg/info';
const STATUS_FOLDER = 'var/lib/dpkg/status.d';
/** Distroless images have checksum lists beside the one-stanza files instead. */
const LIST = /^var\/lib\/dpkg\/(?:info\/[^/]+\.list|status\.d\/[^/]+\.md5sums)$/;

/** Which package owns which file, as dpkg keeps it: one list a package, folders included. */
export const dpkgFileLists: OwnedFilesSource = {
  isFileList: (path) => LIST.test(path),
  condense: (path, bytes) =>
    path.endsWith('.list') ? condenseList(bytes.toString('latin1')) : condenseSums(bytes.toString('latin1')),
  owned: async function* ({ view }) {
    yield* read(view, INFO, '.list');
    yield* read(view, STATUS_FOLDER, '.md5sums');
  },
};

async function* read(view: FileView, folder: string, end: string): ReturnType<OwnedFilesSource['owned']> {
  for (const name of await view.list(folder)) {
    if (!name.endsWith(end)) continue;
    const file = await view.read(`${folder}/${name}`);
    if (file?.kind !== 'content') continue;
    // `libc6:amd64.list`: the architecture where several may be installed.
    const owner = name.slice(0, -end.length).replace(/:.*$/, '');
    yield { owner, paths: Buffer.from(file.bytes).toString('utf8').split('\n') };
  }
}

/** Keeps the lines that are files somebody may ask about, without the leading `/`. */
function condenseList(text: string): Buffer {
  const kept: string[] = [];
  let previous = '';
  const take = (): void => {
    if (isAskedFor(previous.slice(1))) kept.push(previous.slice(1));
  };
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, end);
    at = end + 1;
    // A folder stands right before the first of its files.
    if (!(line.startsWith(previous) && line[previous.length] === '/')) take();
    previous = line;
  }
  take();
  return Buffer.from(kept.join('\n'), 'latin1');
}

/** `md5sum  usr/bin/x` a line. */
function condenseSums(text: string): Buffer {
  const paths = text.split('\n').flatMap((line) => /^[0-9a-f]{32} [ *]\/?(.+)$/.exec(line)?.[1] ?? []);
  return Buffer.from(paths.filter((path) => isAskedFor(path)).join('\n'), 'latin1');
}
