import { spawnSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type ApkSigner,
  type ApkSpec,
  apkSigner,
  type BuiltApk,
  buildApk,
  buildApkIndex,
} from '../../src/distro/testing/apk-packages.ts';
import { apkTool } from './apk-tool.ts';

const COMPONENTS = ['main', 'community'] as const;

/** A mirror of Alpine 3.22 on disk, which offers what it is told to. */
export class ApkMirror {
  readonly folder: string;
  readonly signer: ApkSigner = apkSigner();

  constructor(folder: string) {
    this.folder = folder;
  }

  get url(): string {
    return pathToFileURL(join(this.folder, 'alpine')).href;
  }

  repository(component: string): string {
    return join(this.folder, 'alpine', 'v3.22', component);
  }

  /** Path of the key that signs it. */
  async keyFile(): Promise<string> {
    const path = join(this.folder, this.signer.name);
    await put(path, this.signer.content);
    return path;
  }

  /** What it offers from now on; older packages stay where they are, as on a mirror. */
  async offer(main: readonly ApkSpec[], community: readonly ApkSpec[] = []): Promise<readonly BuiltApk[]> {
    const all: BuiltApk[] = [];
    for (const [component, specs] of [
      [COMPONENTS[0], main],
      [COMPONENTS[1], community],
    ] as const) {
      const packages = specs.map((spec) => buildApk(spec, this.signer));
      for (const arch of new Set(['x86_64', ...specs.flatMap((spec) => spec.arch ?? [])])) {
        const place = join(this.repository(component), arch);
        const own = packages.filter(({ spec }) => (spec.arch ?? 'x86_64') === arch);
        await put(join(place, 'APKINDEX.tar.gz'), buildApkIndex(own, this.signer));
        for (const { fileName, bytes } of own) await put(join(place, fileName), bytes);
      }
      all.push(...packages);
    }
    return all;
  }

  /** The real apk over a root, with this mirror alone; undefined without one. */
  apk(root: string, ...args: readonly string[]): string {
    const repositories = COMPONENTS.flatMap((name) => ['-X', this.repository(name)]);
    const options = ['--root', root, '--arch', 'x86_64', '--no-cache', '--no-network', ...repositories];
    const { status, stdout, stderr } = spawnSync(apkTool as string, [...options, ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`apk ${args.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }
}

export async function put(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await writeFile(path, content);
}
