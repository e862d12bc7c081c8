/** A home, a base with nothing but busybox, and Buildah: what tests of rebuilding Dockerfiles need. */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { homeAt, silentLog, silentProgress } from '../../src/base/index.ts';
import {
  openWorkshop,
  type RebuildImageOptions,
  type RebuiltDockerfile,
  rebuildImage,
  type Workshop,
} from '../../src/engine/workshop/index.ts';
import { hostPlatform } from '../../src/oci/index.ts';
import { isMissing } from './engine-tools.ts';
import { newerTool } from './newer-tools.ts';
import { smallImage } from './small-image.ts';

export interface RebuildWorld {
  readonly folder: string;
  readonly home: string;
  /** Debian's, for this home. */
  mirror: string;
  /** Names the base in a Dockerfile. */
  readonly base: string;
  /** What builds printed so far. */
  readonly lines: string[];
  /** Writes a context folder. */
  context(name: string, files: Readonly<Record<string, string>>): Promise<string>;
  workshop(): Workshop;
  build(context: string, options?: Partial<RebuildImageOptions>): Promise<RebuiltDockerfile>;
}

/** Undefined (and a skip) where Buildah cannot run. */
export async function openRebuildWorld(context: TestContext): Promise<RebuildWorld | undefined> {
  if (isMissing(context, 'buildah', 'runc', 'unshare')) return undefined;
  const busybox = newerTool('busybox');
  if (busybox === undefined || process.getuid?.() !== 0) {
    context.skip(busybox === undefined ? 'busybox not installed' : 'needs root: Buildah in namespaces of its own');
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'rebuild-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const program = { program: readFileSync(busybox) };
  const links = ['sh', 'wget', 'cat', 'env', 'ls', 'nslookup', 'sleep', 'yes', 'mkdir', 'nc', 'date', 'grep'];
  const files = Object.fromEntries(links.map((name) => [`bin/${name}`, { link: 'busybox' }]));
  const image = await smallImage(
    folder,
    'base',
    [
      {
        bin: null,
        'bin/busybox': program,
        ...files,
        etc: null,
        'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
        tmp: null,
      },
    ],
    { config: { Env: ['PATH=/bin'], Cmd: ['/bin/sh'] } },
  );
  await image.close();
  const home = join(folder, 'home');
  const lines: string[] = [];
  const world: RebuildWorld = {
    mirror: 'http://127.0.0.1:9/debian',
    folder,
    home,
    base: `oci:${join(folder, 'base')}:it`,
    lines,
    async context(name, content) {
      for (const [path, text] of Object.entries(content)) {
        await mkdir(dirname(join(folder, name, path)), { recursive: true });
        await writeFile(join(folder, name, path), text);
      }
      return join(folder, name);
    },
    workshop: () =>
      openWorkshop({ home: homeAt(home), mirror: world.mirror, log: silentLog, progress: silentProgress }),
    build: (path, options = {}) => {
      const onLine = (line: string): void => void lines.push(line);
      return rebuildImage(path, { platform: hostPlatform(), mode: 'auto', onLine, ...options }, world.workshop());
    },
  };
  return world;
}

export interface Repository {
  readonly origin: string;
  readonly asked: string[];
  close(): Promise<void>;
}

/** A server on loopback, standing for a package repository. */
export async function openRepository(context: TestContext, listener: RequestListener): Promise<Repository> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    listener(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  context.after(close);
  return { origin: `http://127.0.0.1:${(server.address() as { port: number }).port}`, asked, close };
}
