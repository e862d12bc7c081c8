import { ecosystemOf, readOwners } from '../distro/index.ts';
import type { OwnedFilesSource } from './owned-files.ts';

const neverAList = {
  isFileList: () => false,
  condense: (_: string, bytes: Buffer) => bytes,
};

/** apk's database lists every package's files; it is kept whole anyway. */
export const apkFileLists: OwnedFilesSource = {
  ...neverAList,
  owned: async function* ({ view }) {
    for (const path of ecosystemOf('apk').databasePaths.filter((one) => one.endsWith('/installed'))) {
      const file = await view.read(path);
      if (file?.kind !== 'content') continue;
      for (const [owner, files] of Map.groupBy(readOwners(file.bytes, path), ([, name]) => name)) {
        yield { owner, paths: files.map(([one]) => one) };
      }
    }
  },
};

/** rpm's headers hold them: each package says its own. */
export const rpmFileLists: OwnedFilesSource = {
  ...neverAList,
  owned: async function* ({ packages }) {
    for (const { name, files } of packages) {
      if (files !== undefined) yield { owner: name, paths: files.map((path) => path.slice(1)) };
    }
  },
};
