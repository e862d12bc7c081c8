/** As many links as Linux follows in one path (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * A path with the links in its folders followed, as if the root were `/`; its last part is left as it is.
 * @param linkOf target of the link at a path, undefined where none stands there
 */
export function realPath(path: string, linkOf: (path: string) => string | undefined): string {
  let parts = path.split('/').filter((part) => part !== '' && part !== '.');
  let resolved: string[] = [];
  for (let links = 0; parts.length > 0; ) {
    const part = parts.shift() as string;
    if (part === '..') {
      resolved.pop();
      continue;
    }
    const target = parts.length > 0 && links < MAX_LINKS ? linkOf([...resolved, part].join('/')) : undefined;
    if (target === undefined) resolved.push(part);
    else {
      links += 1;
      if (target.startsWith('/')) resolved = [];
      parts = [...target.split('/').filter((piece) => piece !== '' && piece !== '.'), ...parts];
    }
  }
  return resolved.join('/');
}
