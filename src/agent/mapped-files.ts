/** A file that a process has mapped to run code of it. */
export interface MappedFile {
  /** Absolute, as the process sees it. */
  readonly path: string;
  /** The kernel says that nothing has this name any more. */
  readonly deleted: boolean;
  /** `start-end`, its name in /proc/PID/map_files. */
  readonly range: string;
  readonly inode: string;
}

const LINE = /^([0-9a-f]+-[0-9a-f]+) ..x. [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ (\d+) +(\/.*)$/;
const DELETED = ' (deleted)';
/** Mappings of one process that are looked at; the kernel allows 65,530. */
const MAX_LINES = 100_000;

/** Files mapped for execution, each once, of the text of /proc/PID/maps (proc_pid_maps(5)). */
export function mappedFiles(maps: string): readonly MappedFile[] {
  const found = new Map<string, MappedFile>();
  for (const line of maps.split('\n', MAX_LINES)) {
    const [, range = '', inode = '', name = ''] = LINE.exec(line) ?? [];
    if (range === '' || inode === '0' || /^\/(?:dev\/zero|memfd:|SYSV|\[)/.test(name)) continue;
    const deleted = name.endsWith(DELETED);
    const path = (deleted ? name.slice(0, -DELETED.length) : name).replaceAll('\\012', '\n');
    const key = `${inode} ${path}`;
    if (!found.has(key)) found.set(key, { path, deleted, range, inode });
  }
  return [...found.values()];
}
