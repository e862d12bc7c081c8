import { isElf, readElf } from '../elf/index.ts';
import { commandOf, findCommand, interpretersOf, resolveInTree } from '../inventory/usage/index.ts';
import { type FlatEntry, type FlatTree, indexLayer, type ResolvedImage } from '../oci/index.ts';
import type { Problem } from './types.ts';

/** ELF machine → GOARCH; machines whose GOARCH also depends on the byte order are not compared. */
const MACHINES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  i386: '386',
  arm: 'arm',
  s390: 's390x',
};
/** A script's interpreter may be a script again; Linux stops at 4. */
const MAX_SCRIPTS = 4;
/** Bytes of a program that is read whole, to see what it needs. */
const PROGRAM_LIMIT = 512 * 1024 * 1024;

async function contentOf(image: ResolvedImage, file: FlatEntry): Promise<Uint8Array | undefined> {
  const layer = image.manifest.layers[file.layer];
  if (layer === undefined) return undefined;
  const { captured } = await indexLayer(await image.blobs.open(layer.digest), layer.mediaType, {
    name: layer.digest,
    capture: ({ path }) => path === file.entry.path,
    captureLimit: PROGRAM_LIMIT,
  });
  return captured.get(file.entry.path);
}

/** Bytes of a script's first line that Linux looks at. */
const LINE_BYTES = 256;

/** What the first line of a script asks for. */
export function interpreterOf(bytes: Uint8Array): readonly string[] {
  const text = Buffer.from(bytes.subarray(0, LINE_BYTES)).toString('latin1', 2);
  return interpretersOf(text.split('\n')[0] as string);
}

export interface EntryPoint {
  readonly problem: Problem;
  readonly detail: string;
  /** Path of the program in the image, for the library check; undefined for an image that names no command. */
  readonly program: string | undefined;
}

const bad = (problem: string): EntryPoint => ({ problem, detail: '', program: undefined });

function checkElf(image: ResolvedImage, tree: FlatTree, path: string, bytes: Uint8Array): EntryPoint {
  const { machine, interpreter } = readElf(bytes);
  const architecture = MACHINES[machine];
  if (architecture !== undefined && architecture !== image.config.architecture) {
    return bad(`/${path} is a program for ${machine}, the image is for ${image.config.architecture}`);
  }
  if (interpreter !== undefined && resolveInTree(tree, interpreter)?.found === undefined) {
    return bad(`/${path} asks for the dynamic linker ${interpreter}, which does not exist`);
  }
  return { problem: undefined, detail: `/${path}`, program: path };
}

async function checkProgram(image: ResolvedImage, tree: FlatTree, command: string, depth: number): Promise<EntryPoint> {
  const { Env, WorkingDir } = image.config.config ?? {};
  const found = findCommand(tree, command, Env ?? [], WorkingDir || '/');
  if ('problem' in found) return bad(found.problem);
  const { path } = found;
  const bytes = await contentOf(image, found.file);
  if (bytes === undefined || bytes.length === 0) return bad(`/${path} is empty`);
  if (isElf(bytes)) return checkElf(image, tree, path, bytes);
  if (bytes[0] !== 0x23 || bytes[1] !== 0x21) return bad(`/${path} is neither a program nor a script with #!`);
  if (depth >= MAX_SCRIPTS) return bad(`/${path}: too many scripts that interpret scripts`);
  let last = bad(`/${path} has a #! line without an interpreter`);
  for (const interpreter of interpreterOf(bytes)) {
    last = await checkProgram(image, tree, interpreter, depth + 1);
    if (last.problem !== undefined) return bad(`/${path} asks for ${interpreter}: ${last.problem}`);
  }
  return { ...last, detail: `/${path}, interpreted by ${last.detail}` };
}

/** The command exists, is executable, made for this machine, and its interpreter exists too. */
export async function checkEntryPoint(image: ResolvedImage, tree: FlatTree): Promise<EntryPoint> {
  const [command] = commandOf(image.config);
  if (command === undefined) return { problem: undefined, detail: 'the image names no command', program: undefined };
  return await checkProgram(image, tree, command, 0);
}
