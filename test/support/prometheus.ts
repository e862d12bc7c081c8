/** A throw-away Prometheus on loopback, with TLS and a password, that scrapes an exporter of the test's own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificateAuthority } from './certificates.ts';
import { freePort } from './postgresql.ts';

export interface TestPrometheus {
  readonly url: string;
  /** PEM of the authority that signed its certificate. */
  readonly caFile: string;
  readonly username: string;
  readonly password: string;
  stop(): Promise<void>;
}

export const prometheusServer = (): string | undefined =>
  ['/usr/bin/prometheus', '/usr/local/bin/prometheus'].find((path) => existsSync(path));

const PASSWORD = 'open sesame';
/** bcrypt of it, of the lowest cost. */
const HASH = '$2b$04$abcdefghijklmnopqrstuu/LVz6MZlItEy42I2juLihZ66HnQx/cy';

/** @param metrics what the exporter says now, in the text format */
export async function startPrometheus(server: string, metrics: () => string): Promise<TestPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'heraklit-prometheus-'));
  const exporter = createServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(metrics()),
  );
  await new Promise<void>((resolve) => exporter.listen(0, '127.0.0.1', resolve));
  const target = `127.0.0.1:${(exporter.address() as AddressInfo).port}`;
  const port = await freePort();
  const authority = await certificateAuthority(folder);
  const { cert, key } = await authority.issue('prometheus');
  await writeFile(
    join(folder, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: '200ms', scrape_timeout: '200ms' },
      scrape_configs: [{ job_name: 'test', static_configs: [{ targets: [target] }] }],
    }),
  );
  await writeFile(
    join(folder, 'web.yml'),
    JSON.stringify({ tls_server_config: { cert_file: cert, key_file: key }, basic_auth_users: { reader: HASH } }),
  );
  const child: ChildProcess = spawn(
    server,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--web.config.file=${join(folder, 'web.yml')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--log.level=error',
    ],
    { stdio: 'ignore', cwd: folder },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    exporter.closeAllConnections();
    exporter.close();
    await rm(folder, { recursive: true, force: true });
  };
  const ca = await readFile(authority.ca);
  for (let attempt = 0; !(await answers(port, ca)); attempt += 1) {
    if (attempt > 300 || child.exitCode !== null) {
      await stop();
      throw new Error('Prometheus did not start');
    }
    await sleep(100);
  }
  return { url: `https://127.0.0.1:${port}`, caFile: authority.ca, username: 'reader', password: PASSWORD, stop };
}

async function answers(port: number, ca: Buffer): Promise<boolean> {
  const auth = `reader:${PASSWORD}`;
  return await new Promise((resolve) => {
    const sent = request({ host: '127.0.0.1', port, path: '/-/ready', ca, auth, timeout: 2_000 }, (message) => {
      message.resume();
      resolve(message.statusCode === 200);
    });
    sent.once('timeout', () => sent.destroy());
    sent.once('error', () => resolve(false));
    sent.end();
  });
}
