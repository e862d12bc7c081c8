import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface PeerRegistry {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  stop(): Promise<void>;
}

/**
 * Debian's docker-registry, a registry of before the referrers API; undefined where it is not installed.
 * @param htpasswd file of its accounts (bcrypt); open to everybody without
 */
export async function startDockerRegistry(htpasswd?: string): Promise<PeerRegistry | undefined> {
  if (spawnSync('docker-registry', ['--version']).error !== undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), 'peer-'));
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const host = `127.0.0.1:${(probe.address() as AddressInfo).port}`;
  probe.close();
  const settings = [
    'version: 0.1',
    `storage: { filesystem: { rootdirectory: ${folder} }, delete: { enabled: true } }`,
    `http: { addr: "${host}" }`,
    ...(htpasswd === undefined ? [] : [`auth: { htpasswd: { realm: peer, path: ${htpasswd} } }`]),
  ];
  await writeFile(join(folder, 'config.yml'), settings.join('\n'));
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  for (let tries = 0; tries < 400 && child.exitCode === null; tries += 1) {
    if (await fetch(`http://${host}/v2/`).catch(() => undefined)) break;
    await sleep(50);
  }
  return {
    host,
    async stop() {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await rm(folder, { recursive: true });
    },
  };
}
