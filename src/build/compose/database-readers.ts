import { lstatSync, readFileSync } from 'node:fs';
import { encodePath } from '../../archive/index.ts';
import type { Recording } from '../../runtime/sandbox/index.ts';

/** Programs and libraries that read all of dpkg's database by themselves. */
const READERS =
  /^usr\/(?:bin\/(?:apt|apt-get|apt-cache|apt-mark|aptitude|grep-status|dctrl-tools)|share\/perl5\/Dpkg\/(?:Index|Control|Deps).*|lib\/python3\/dist-packages\/apt.*)$/;
/** Larger files are programs and libraries, not scripts. */
const MAX_SCRIPT_BYTES = 256 * 1024;
/** The database itself: its scripts may read it, its lists and descriptions cannot. */
const DATABASE = /^var\/lib\/dpkg\/(?!info\/[^/]*\.(?:config|preinst|postinst)$)/;
const STATUS_FILE = /dpkg\/(?:status|available)/;

/**
 * dpkg itself reads its database, so that its being read says nothing. Finds what else may have: a program known for it,
 * or a script that names the file. Undefined when nothing did.
 */
export function databaseReader({ reads, root }: Pick<Recording, 'reads' | 'root'>): string | undefined {
  for (const path of reads) {
    if (READERS.test(path) || (!DATABASE.test(path) && namesStatus(`${root}/${path}`))) {
      return `/${path}, which may read all of the package database, ran`;
    }
  }
  return undefined;
}

function namesStatus(path: string): boolean {
  const file = path.isWellFormed() ? path : encodePath(path);
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat?.isFile() !== true || stat.size > MAX_SCRIPT_BYTES) return false;
  const content = readFileSync(file);
  return content.subarray(0, 4).toString('latin1') !== '\x7fELF' && STATUS_FILE.test(content.toString('latin1'));
}
