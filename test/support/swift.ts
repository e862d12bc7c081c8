import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

/** An S3 API on loopback. */
export interface S3Server {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly client: S3Client;
  stop(): Promise<void>;
}

/** Looks, a tenth of a second apart, until all servers answer. */
const TRIES = 600;
const KINDS = ['account', 'container', 'object'] as const;

/** OpenStack Swift with its S3 API, from Debian's packages, and an empty bucket; undefined where not installed. */
export async function startSwift(bucket: string): Promise<S3Server | undefined> {
  const tools = ['/usr/bin/swift-proxy-server', '/usr/bin/swift-object-server', '/usr/bin/memcached'];
  if (!tools.every((tool) => existsSync(tool))) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'swift-'));
  mkdirSync(join(folder, 'node', 'd1'), { recursive: true });
  const [proxy, memcached, ...ports] = await freePorts(2 + KINDS.length);
  writeFileSync(join(folder, 'swift.conf'), SWIFT);
  for (const [at, kind] of KINDS.entries()) {
    writeFileSync(join(folder, `${kind}.conf`), storageConfig(folder, kind, ports[at] as number));
    const ring = (...argv: readonly string[]) =>
      execFileSync('swift-ring-builder', [join(folder, `${kind}.builder`), ...argv], { stdio: 'ignore' });
    ring('create', '2', '1', '1');
    ring('add', `r1z1-127.0.0.1:${ports[at]}/d1`, '1');
    ring('rebalance');
  }
  writeFileSync(join(folder, 'proxy.conf'), proxyConfig(folder, proxy as number, memcached as number));
  const children: ChildProcess[] = [
    spawn('memcached', ['-u', 'root', '-l', '127.0.0.1', '-p', String(memcached), '-m', '16'], { stdio: 'ignore' }),
    ...[...KINDS, 'proxy'].map((kind) =>
      spawn(`/usr/bin/swift-${kind}-server`, [join(folder, `${kind}.conf`)], { stdio: 'ignore' }),
    ),
  ];
  const endpoint = `http://127.0.0.1:${proxy}`;
  const kill = (): void => {
    for (const child of children) child.kill('SIGKILL');
  };
  process.once('exit', kill);
  const stop = async (): Promise<void> => {
    kill();
    await Promise.all(children.map((child) => child.exitCode ?? new Promise((done) => child.once('exit', done))));
    rmSync(folder, { recursive: true, force: true });
  };
  const credentials = { accessKeyId: 'test:tester', secretAccessKey: 'testing' };
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 });
  let failure: unknown;
  for (let tries = 0; tries < TRIES; tries += 1) {
    try {
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      return { endpoint, credentials, client, stop };
    } catch (error) {
      failure = error;
      await sleep(100);
    }
  }
  await stop();
  throw failure;
}

const SWIFT = `[swift-hash]
swift_hash_path_suffix = suffix
swift_hash_path_prefix = prefix
[storage-policy:0]
name = only
default = yes
`;

const storageConfig = (folder: string, kind: string, port: number): string => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
devices = ${join(folder, 'node')}
mount_check = false
swift_dir = ${folder}
user = root
fallocate_reserve = 0
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`;

const proxyConfig = (folder: string, port: number, memcached: number): string => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
swift_dir = ${folder}
user = root
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats s3api tempauth bulk slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin .reseller_admin
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${memcached}
${['catch_errors', 'gatekeeper', 'listing_formats', 'bulk', 'slo', 'dlo']
  .map((name) => `[filter:${name}]\nuse = egg:swift#${name}\n`)
  .join('')}`;

/** Held open together, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const probes = await Promise.all(
    Array.from({ length: count }, async () => {
      const probe = createServer();
      await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done));
      return probe;
    }),
  );
  return Promise.all(
    probes.map(async (probe) => {
      const address = probe.address();
      await new Promise((done) => probe.close(done));
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
}
