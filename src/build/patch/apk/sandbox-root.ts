import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { createTarWriter, extractTarBuffer, type TarHeader } from '../../../archive/index.ts';
import type { ApkFile } from '../../../distro/index.ts';
import type { RunLimits, Sandbox } from '../../../runtime/sandbox/index.ts';
import { patchError } from '../errors.ts';
import { realPath } from '../real-path.ts';
import { type ApkRoot, hashInWords, type RootEntry, type RootScript } from './apk-root.ts';

/** Where a script lies while it runs; never part of the result. */
const SCRIPT = '.heraklit-script';
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Half an hour, as for dpkg: a trigger may make byte code of everything. */
const LIMITS: Partial<RunLimits> = { timeout: 30 * 60_000 };
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
const ACCESS = 0o7777;

/** The mounted root of a sandbox, changed from outside between the scripts that run in it. */
export class SandboxRoot implements ApkRoot {
  readonly #sandbox: Sandbox;
  readonly #limits: Partial<RunLimits>;
  readonly #signal: AbortSignal | undefined;

  constructor(sandbox: Sandbox, limits: Partial<RunLimits> = {}, signal?: AbortSignal) {
    this.#sandbox = sandbox;
    this.#limits = { ...LIMITS, ...limits };
    this.#signal = signal;
  }

  #at = (path: string): string => `${this.#sandbox.root}/${path}`;

  real(path: string): string {
    return realPath(path, (at) => {
      const stat = lstatSync(this.#at(at), { throwIfNoEntry: false });
      return stat?.isSymbolicLink() === true ? readlinkSync(this.#at(at)) : undefined;
    });
  }

  entry(path: string): RootEntry | undefined {
    const stat = lstatSync(this.#at(path), { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    const type = stat.isFile() ? 'file' : stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'symlink' : 'fifo';
    return { type, mode: stat.mode & ACCESS, uid: stat.uid, gid: stat.gid };
  }

  hash(path: string, algorithm: 'sha1' | 'sha256'): string | undefined {
    if (this.entry(path)?.type === 'symlink') return hashInWords(readlinkSync(this.#at(path)), algorithm);
    const content = this.read(path);
    return content === undefined ? undefined : hashInWords(content, algorithm);
  }

  read(path: string): Uint8Array | undefined {
    if (this.entry(path)?.type !== 'file') return undefined;
    const descriptor = openSync(this.#at(path), READ);
    try {
      return readFileSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  put(entry: ApkFile): void {
    const { content, user: _user, group: _group, ...header } = entry;
    const chunks: Buffer[] = [];
    const writer = createTarWriter((chunk) => chunks.push(Buffer.from(chunk)));
    writer.add(header as TarHeader, entry.type === 'file' ? content : undefined);
    writer.finish();
    extractTarBuffer(Buffer.concat(chunks), this.#sandbox.root, { folderOverSymlink: 'keep' });
  }

  remove(path: string): void {
    const entry = this.entry(path);
    if (entry !== undefined && entry.type !== 'directory') unlinkSync(this.#at(path));
  }

  removeFolder(path: string): void {
    if (this.entry(path)?.type === 'directory' && readdirSync(this.#at(path)).length === 0) rmdirSync(this.#at(path));
  }

  async run({ name, content, args, environment }: RootScript): Promise<void> {
    const size = content.length;
    this.put({ path: SCRIPT, type: 'file', mode: 0o755, uid: 0, gid: 0, size, mtime: 0, content });
    const result = await this.#sandbox.run([`/${SCRIPT}`, ...args], {
      environment: { PATH, ...environment },
      limits: this.#limits,
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    });
    this.remove(SCRIPT);
    if (result.code === 0) return;
    const words = Buffer.concat([result.stdout, result.stderr]).toString('utf8').trim().split('\n').slice(-6);
    throw patchError('PATCH_FAILED', `${name} ended with code ${result.code}: ${words.join('; ').slice(0, 2000)}`, {
      hint: 'Nothing was written. The script of the package fails in this image: repair that, or rebuild the image.',
    });
  }
}
