import { existsSync } from 'node:fs';

/** Where package.json lies: above the sources, and above what was compiled of them, however deep either is. */
function packageRoot(): URL {
  for (let at = new URL('../', import.meta.url); ; at = new URL('../', at)) {
    if (existsSync(new URL('package.json', at)) || at.pathname === '/') return at;
  }
}

const ROOT = packageRoot();

/** A file or folder (with a slash at its end) that ships with the package. @param path from the package's own folder */
export const packageFile = (path: string): URL => new URL(path, ROOT);
