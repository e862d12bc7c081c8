import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Access, Grant, IdentityProvider } from '../access/index.ts';
import type { Log } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { DoorOptions, TlsServing } from '../http/index.ts';
import type { FleetAccess } from '../recipe/index.ts';
import type { CliContext } from './context.ts';
import { cliError } from './errors.ts';

/** Options of `heraklit serve` about who may reach it and how. The fleet file's `access` says the same for good. */
export interface ServeAccessOptions {
  readonly url?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsClientCa?: string;
  readonly rate?: string;
  readonly trustProxy?: readonly string[];
}

export const ACCESS_HELP = `
Without accounts everybody on this machine may read and write, and any other address than loopback needs --anonymous
read or write. With accounts (heraklit account add) people and robots sign in, and --anonymous says what everybody else
may do besides. --tls-cert and --tls-key serve over TLS; the files are read again when they change, and on SIGHUP.
docs/access.md tells it all.
`;

export function addAccessOptions(command: Command): Command {
  return command
    .option('--url <url>', 'how clients reach the server when that is not the Host they name, behind a proxy')
    .option('--tls-cert <file>', 'serve over TLS with this certificate chain (PEM)')
    .option('--tls-key <file>', 'its private key (PEM)')
    .option('--tls-client-ca <file>', 'only clients with a certificate signed by one of these')
    .option('--rate <requests>', 'requests per second of one account, or of one address without account')
    .option('--trust-proxy <address...>', 'proxies whose X-Forwarded headers are believed: addresses or networks');
}

export interface ServeAccess {
  readonly access: Access;
  readonly door: DoorOptions;
  readonly tls: TlsServing | undefined;
  /** For who can read the home. */
  readonly ownerKey: string;
}

/** Seconds of the rate that may come at once. */
const BURST_SECONDS = 10;

/** Opens accounts and certificates; `resources` closes them. @throws CLI_USAGE, HTTP_TLS_INVALID, ACCESS_KEY_BROKEN, … */
export async function openServeAccess(
  database: Database,
  fleet: LoadedFleet | undefined,
  options: ServeAccessOptions,
  context: CliContext,
  resources: AsyncDisposableStack,
): Promise<ServeAccess> {
  const [{ openAccess }, { openTls }] = await Promise.all([import('../access/index.ts'), import('../http/index.ts')]);
  const settings: FleetAccess = fleet?.document.access ?? {};
  const { home, log } = context;
  const url = publicUrl(options.url ?? settings.url);
  const files = tlsFiles(options, settings, fleet);
  const tls = files === undefined ? undefined : await openTls(files, log);
  if (tls !== undefined) {
    const reload = (): void => void tls.reload();
    process.on('SIGHUP', reload);
    resources.defer(() => {
      process.off('SIGHUP', reload);
      tls.close();
    });
  }
  const ownerKey = randomBytes(32).toString('base64url');
  const access = await openAccess({
    database,
    home,
    log,
    ownerKey,
    grants: grantsOf(settings),
    ...(settings.auditDays === undefined ? {} : { auditDays: settings.auditDays }),
  });
  resources.defer(() => access.close());
  const provider = await providerOf(settings, fleet, log);
  const perSecond = rateOf(options.rate ?? settings.requestsPerSecond);
  return {
    access,
    tls,
    ownerKey,
    door: {
      access,
      secure: tls !== undefined,
      ...(provider === undefined ? {} : { provider }),
      ...(url === undefined ? {} : { url }),
      ...(perSecond === undefined ? {} : { rate: { perSecond, burst: perSecond * BURST_SECONDS } }),
    },
  };
}

const grantsOf = (settings: FleetAccess): readonly Grant[] =>
  (settings.grants ?? []).map(({ to, role, on = '**' }) => ({ to, role, on }));

async function providerOf(
  settings: FleetAccess,
  fleet: LoadedFleet | undefined,
  log: Log,
): Promise<IdentityProvider | undefined> {
  if (settings.oidc === undefined) return undefined;
  const { clientSecretFile, ...plain } = settings.oidc;
  const { createIdentityProvider } = await import('../access/index.ts');
  if (clientSecretFile === undefined) return createIdentityProvider(plain, log);
  const path = resolve(fleet?.directory ?? '.', clientSecretFile);
  const clientSecret = (await readFile(path, 'utf8')).trim();
  return createIdentityProvider({ ...plain, clientSecret }, log);
}

function publicUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url !== undefined && url.pathname === '/' && url.search === '' && url.username === '';
  if (plain && /^https?:$/.test(url.protocol)) return url.origin;
  throw cliError('CLI_USAGE', `--url takes https://HOST[:PORT], not ${JSON.stringify(text)}`);
}

function rateOf(value: string | number | undefined): number | undefined {
  if (value === undefined) return undefined;
  const rate = Number(value);
  if (Number.isFinite(rate) && rate > 0) return rate;
  throw cliError('CLI_USAGE', `--rate takes a number of requests above 0, not ${JSON.stringify(value)}`);
}

/** Paths of a fleet file are beside it. */
function tlsFiles(options: ServeAccessOptions, settings: FleetAccess, fleet: LoadedFleet | undefined) {
  const beside = (path: string | undefined): string | undefined =>
    path === undefined || fleet === undefined ? path : resolve(fleet.directory, path);
  const cert = options.tlsCert ?? beside(settings.tls?.cert);
  const key = options.tlsKey ?? beside(settings.tls?.key);
  const clientCa = options.tlsClientCa ?? beside(settings.tls?.clientCa);
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined;
  if (cert === undefined || key === undefined) throw cliError('CLI_USAGE', '--tls-cert and --tls-key go together');
  return { cert, key, ...(clientCa === undefined ? {} : { clientCa }) };
}
