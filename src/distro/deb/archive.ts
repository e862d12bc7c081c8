import {
  type BufferedTarEntry,
  decompressBuffer,
  detectCompression,
  readAr,
  readTarBuffer,
} from '../../archive/index.ts';
import { messageOf } from '../../base/index.ts';
import { distroError } from '../errors.ts';
import { parseSingleStanza } from './control.ts';
import type { Stanza } from './stanza.ts';

/** What one package may unpack to. The largest in Debian main (game data, toolchains) stay below. */
export const MAX_DATA_BYTES = 8 * 1024 * 1024 * 1024;
/** The largest control archives (templates, symbols, md5sums of 100,000 files) have 20 MiB. */
export const MAX_PACKAGE_CONTROL_BYTES = 256 * 1024 * 1024;

/** A .deb in memory. */
export interface DebArchive {
  /** Files of the control archive by name: control, conffiles, md5sums, postinst, triggers, shlibs, … */
  readonly control: ReadonlyMap<string, Buffer>;
  /** Permission bits of those files: scripts are executable. */
  readonly controlModes: ReadonlyMap<string, number>;
  readonly controlStanza: Stanza;
  /** The uncompressed data archive. */
  dataTar(): Promise<Buffer>;
  /** Files of the package in archive order, content in memory. */
  data(): Promise<Iterable<BufferedTarEntry>>;
}

const CONTROL = /^control\.tar(?:\.(?:gz|xz|zst))?$/;
const DATA = /^data\.tar(?:\.(?:gz|xz|zst|bz2|lzma))?$/;

/** Names the package in errors that the archive readers raise. */
function invalid(what: string, error: unknown): Error {
  return distroError('DISTRO_PACKAGE_INVALID', `${what} is not a usable package: ${messageOf(error)}`, {
    cause: error,
    hint: 'The file is damaged or was tampered with: delete it from the cache and fetch it again.',
  });
}

function* entriesOf(tar: Buffer, what: string): Generator<BufferedTarEntry, void> {
  try {
    yield* readTarBuffer(tar);
  } catch (error) {
    throw invalid(what, error);
  }
}

function findMembers(bytes: Uint8Array): { control: Buffer; data: Buffer } {
  const [first, ...rest] = readAr(bytes);
  if (first?.name !== 'debian-binary' || !/^2\.\d+\n/.test(first.content.toString('latin1', 0, 16))) {
    throw new Error('it does not begin with debian-binary 2.x');
  }
  // deb(5): unknown members whose name begins with an underscore may stand between the known ones.
  const [control, data] = rest.filter((member) => !member.name.startsWith('_'));
  if (control === undefined || !CONTROL.test(control.name)) throw new Error('its second member is no control archive');
  if (data === undefined || !DATA.test(data.name)) throw new Error('its third member is no data archive');
  return { control: control.content, data: data.content };
}

const unpack = (member: Buffer, maxBytes: number): Promise<Buffer> =>
  decompressBuffer(member, detectCompression(member), { maxBytes });

/**
 * Opens a binary package. The control archive is read at once, the data archive when asked for.
 *
 * @param what names the package in errors
 * @throws DISTRO_PACKAGE_INVALID: truncated, damaged, hostile or not a .deb; also from what it returns
 * @see deb(5)
 */
export async function openDeb(bytes: Uint8Array, what = 'the package'): Promise<DebArchive> {
  try {
    const members = findMembers(bytes);
    const control = new Map<string, Buffer>();
    const controlModes = new Map<string, number>();
    for (const entry of readTarBuffer(await unpack(members.control, MAX_PACKAGE_CONTROL_BYTES))) {
      if (entry.type !== 'file') continue;
      control.set(entry.path, entry.content);
      controlModes.set(entry.path, entry.mode);
    }
    const controlFile = control.get('control');
    if (controlFile === undefined) throw new Error('its control archive has no control file');
    const controlStanza = parseSingleStanza(controlFile, 'its control file');
    for (const field of ['Package', 'Version', 'Architecture']) {
      if (!controlStanza.has(field)) throw new Error(`its control file has no ${field}`);
    }
    const dataTar = async (): Promise<Buffer> => {
      try {
        return await unpack(members.data, MAX_DATA_BYTES);
      } catch (error) {
        throw invalid(what, error);
      }
    };
    return { control, controlModes, controlStanza, dataTar, data: async () => entriesOf(await dataTar(), what) };
  } catch (error) {
    throw invalid(what, error);
  }
}
