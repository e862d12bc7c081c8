import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as openpgp from 'openpgp';
import { createTarWriter } from '../../src/archive/index.ts';
import { type Keyring, readKeyring } from '../../src/distro/index.ts';

/** A package of a test mirror: control fields, and files with their content. */
export interface TestPackage {
  readonly control: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string | Buffer | { readonly link: string }>>;
  readonly scripts?: Readonly<Record<string, string>>;
  /** Changes the finished .deb before it is hashed and signed for. */
  readonly damage?: (deb: Buffer) => Buffer;
}

export interface TestSuite {
  /** `trixie-security`; those whose name ends in `-security` lie in the security tree. */
  readonly suite: string;
  readonly packages: readonly TestPackage[];
  /** More or other fields of the Release file. */
  readonly release?: Readonly<Record<string, string>>;
}

export type Paths = Map<string, Buffer>;

const hash = (algorithm: string, bytes: Uint8Array): string => createHash(algorithm).update(bytes).digest('hex');

function tar(files: NonNullable<TestPackage['files']>, mode: number): Buffer {
  const chunks: Buffer[] = [];
  const writer = createTarWriter((chunk) => chunks.push(Buffer.from(chunk)));
  const owner = { uid: 0, gid: 0, mtime: 1_700_000_000 } as const;
  for (const [path, content] of Object.entries(files)) {
    if (typeof content === 'object' && 'link' in content) {
      writer.add({ path, type: 'symlink', mode: 0o777, size: 0, linkName: content.link, ...owner });
    } else {
      const bytes = Buffer.from(content);
      const executable = path.startsWith('usr/bin/') ? 0o111 : 0;
      writer.add({ path, type: 'file', mode: mode | executable, size: bytes.length, ...owner }, bytes);
    }
  }
  writer.finish();
  return Buffer.concat(chunks);
}

const controlText = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');

/** Bytes of a .deb. */
export function buildDeb({ control, files = {}, scripts = {} }: TestPackage): Buffer {
  const member = (name: string, content: Buffer): Buffer =>
    Buffer.concat([
      Buffer.from(`${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}`),
      Buffer.from(`${String(content.length).padEnd(10)}\`\n`),
      content,
      Buffer.alloc(content.length % 2, '\n'),
    ]);
  return Buffer.concat([
    Buffer.from('!<arch>\n'),
    member('debian-binary', Buffer.from('2.0\n')),
    member('control.tar.gz', gzipSync(tar({ control: controlText(control), ...scripts }, 0o755))),
    member('data.tar.gz', gzipSync(tar(files, 0o644))),
  ]);
}

/** A signing key and the keyring that trusts it. */
export async function createSigner(): Promise<{
  keyring: Keyring;
  /** Its public key, as `--keyring` takes it. */
  armored: string;
  sign(text: string): Promise<Buffer>;
}> {
  const { privateKey, publicKey } = await openpgp.generateKey({ userIDs: [{ name: 'test mirror' }], format: 'object' });
  return {
    armored: publicKey.armor(),
    keyring: await readKeyring('test', [publicKey.armor()]),
    async sign(text) {
      const message = await openpgp.createCleartextMessage({ text });
      return Buffer.from(await openpgp.sign({ message, signingKeys: privateKey }));
    },
  };
}

/** All files of a mirror by path: `debian/dists/…`, `debian/pool/…`, `debian-security/…`. */
export async function buildMirror(
  suites: readonly TestSuite[],
  sign: (text: string) => Promise<Buffer>,
  now: number,
): Promise<Paths> {
  const paths: Paths = new Map();
  for (const { suite, packages, release = {} } of suites) {
    const tree = suite.endsWith('-security') ? 'debian-security' : 'debian';
    const stanzas = packages.map((one) => {
      const deb = one.damage?.(buildDeb(one)) ?? buildDeb(one);
      const { Package: name, Version: version, Architecture: architecture } = one.control;
      const filename = `pool/main/${name}/${name}_${version?.replace(/^\d+:/, '')}_${architecture}.deb`;
      paths.set(`${tree}/${filename}`, deb);
      return controlText({ ...one.control, Filename: filename, Size: String(deb.length), SHA256: hash('sha256', deb) });
    });
    const index = Buffer.from(stanzas.join('\n'));
    const folder = `${tree}/dists/${suite}`;
    const lines: string[] = [];
    // One index serves all architectures: who reads it takes its own.
    const others = packages.map(({ control }) => control.Architecture).filter((one) => one !== 'all');
    for (const architecture of new Set(['amd64', ...others])) {
      for (const [name, bytes] of [
        ['Packages', index],
        ['Packages.gz', gzipSync(index)],
      ] as const) {
        const below = `main/binary-${architecture}`;
        lines.push(` ${hash('sha256', bytes)} ${bytes.length} ${below}/${name}`);
        paths.set(`${folder}/${below}/${name}`, bytes);
        paths.set(`${folder}/${below}/by-hash/SHA256/${hash('sha256', bytes)}`, bytes);
      }
    }
    const fields = {
      Origin: 'Debian',
      Suite: suite.replace(/^\w+/, 'stable'),
      Codename: suite,
      Date: new Date(now).toUTCString().replace('GMT', 'UTC'),
      'Acquire-By-Hash': 'yes',
      Architectures: 'all amd64',
      Components: 'main',
      ...release,
    };
    paths.set(`${folder}/InRelease`, await sign(`${controlText(fields)}SHA256:\n${lines.join('\n')}\n`));
  }
  return paths;
}

export async function writeMirror(paths: Paths, directory: string): Promise<void> {
  for (const [path, bytes] of paths) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), bytes);
  }
}

export interface MirrorServer {
  /** Base URL of the main tree. */
  readonly url: string;
  /** `METHOD path` of every request, with ` range` appended where one was asked for. */
  readonly requests: string[];
  /** Takes a request over when it returns true. */
  intercept: ((path: string, request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  close(): Promise<void>;
}

/** Serves a mirror on loopback, with ETags and ranges as real ones do. */
export async function serveMirror(paths: Paths): Promise<MirrorServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '/').slice(1));
    const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
    requests.push(`${request.method} ${path}${range === undefined ? '' : ' range'}`);
    if (mirror.intercept?.(path, request, response) === true) return;
    const bytes = paths.get(path);
    if (bytes === undefined) return void response.writeHead(404).end();
    const etag = `"${hash('sha256', bytes)}"`;
    if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
    const start = Number(range ?? 0);
    const body = bytes.subarray(start);
    response.writeHead(range === undefined ? 200 : 206, { etag, 'content-length': body.length }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const mirror: MirrorServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/debian`,
    requests,
    intercept: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return mirror;
}
