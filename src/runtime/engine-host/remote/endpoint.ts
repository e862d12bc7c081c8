import { engineHostError } from '../errors.ts';

/** Files in PEM. */
export interface TlsFiles {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** Where the API of an engine is, and how it is known to be the right one. */
export type EngineEndpoint =
  | { readonly kind: 'socket'; readonly path: string }
  | {
      readonly kind: 'ssh';
      readonly host: string;
      readonly user?: string;
      readonly port?: number;
      /** Socket on that host; looked for when undefined. */
      readonly path?: string;
      /** Private key; what ssh would take when undefined. */
      readonly sshKeyFile?: string;
      /** Instead of the user's known_hosts. */
      readonly knownHostsFile?: string;
    }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      /** Undefined: plain HTTP. */
      readonly tls: TlsFiles | undefined;
      /** The certificate of the engine is not verified. */
      readonly unverified: boolean;
    };

export interface EndpointOptions {
  readonly sshKeyFile?: string;
  readonly knownHostsFile?: string;
  readonly tls?: TlsFiles;
  /** Plain TCP, and certificates that do not verify, are taken. */
  readonly insecure?: boolean;
  /** As a context says: its certificate is not to be verified. */
  readonly skipVerify?: boolean;
}

const HOST = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])$/;
const USER = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$/;
/** What ssh's `-L` and its configuration can carry without quoting. */
const PATH = /^\/[A-Za-z0-9_./@+-]{1,200}$/;
const DEFAULT_TLS_PORT = 2376;
const DEFAULT_TCP_PORT = 2375;
const FORMS = 'Forms: unix:///PATH, ssh://[USER@]HOST[:PORT][/PATH/TO.sock], tcp://HOST:PORT.';

function invalid(text: string, why: string) {
  return engineHostError('ENGINE_HOST_ENDPOINT_INVALID', `${JSON.stringify(text)} is no engine's address: ${why}`, {
    hint: FORMS,
  });
}

function portOf(text: string, url: URL): number | undefined {
  if (url.port === '') return undefined;
  const port = Number(url.port);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw invalid(text, 'the port is none');
}

function sshEndpoint(text: string, url: URL, options: EndpointOptions): EngineEndpoint {
  const user = decodeURIComponent(url.username);
  if (url.password !== '') throw invalid(text, 'ssh takes no password in an address');
  if (!HOST.test(url.hostname)) throw invalid(text, 'the host is none');
  if (user !== '' && !USER.test(user)) throw invalid(text, 'such a user name is not passed to ssh');
  const port = portOf(text, url);
  const path = url.pathname === '' || url.pathname === '/' ? undefined : url.pathname;
  if (path !== undefined && !PATH.test(path)) throw invalid(text, 'such a path is not passed to ssh');
  return {
    kind: 'ssh',
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(user === '' ? {} : { user }),
    ...(port === undefined ? {} : { port }),
    ...(path === undefined ? {} : { path }),
    ...(options.sshKeyFile === undefined ? {} : { sshKeyFile: options.sshKeyFile }),
    ...(options.knownHostsFile === undefined ? {} : { knownHostsFile: options.knownHostsFile }),
  };
}

function tcpEndpoint(text: string, url: URL, options: EndpointOptions): EngineEndpoint {
  const { tls, insecure = false, skipVerify = false } = options;
  if (!HOST.test(url.hostname)) throw invalid(text, 'the host is none');
  const secure = tls !== undefined || url.protocol === 'https:';
  if (!insecure && (!secure || skipVerify)) {
    const why = secure
      ? 'its certificate would not be verified'
      : 'whoever reaches it is root there, and nothing is signed';
    throw engineHostError('ENGINE_HOST_UNTRUSTED', `${url.hostname} is not connected to: ${why}`, {
      hint: 'Name its certificates (caFile, certFile, keyFile; DOCKER_TLS_VERIFY and DOCKER_CERT_PATH), use ssh://, or say `insecure: true`.',
    });
  }
  return {
    kind: 'tcp',
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: portOf(text, url) ?? (secure ? DEFAULT_TLS_PORT : DEFAULT_TCP_PORT),
    tls: secure ? (tls ?? {}) : undefined,
    unverified: insecure || skipVerify,
  };
}

/**
 * An address as DOCKER_HOST, CONTAINER_HOST, contexts and connections write it.
 * @throws ENGINE_HOST_ENDPOINT_INVALID, ENGINE_HOST_UNTRUSTED (neither verified nor told to be insecure)
 */
export function parseEndpoint(text: string, options: EndpointOptions = {}): EngineEndpoint {
  const path = /^unix:\/\/(\/.+)$/.exec(text)?.[1];
  if (path !== undefined) return { kind: 'socket', path };
  // The scheme tcp has no host in URL's eyes that it would check; http has.
  const [, scheme = ''] = /^([a-z]+):\/\//.exec(text) ?? [];
  const read = URL.parse(text.replace(/^(?:tcp|ssh):/, 'http:'));
  if (read === null || !['ssh', 'tcp', 'https', 'http'].includes(scheme)) throw invalid(text, 'not a known form');
  // `http:` drops its default port, 80: nobody means that one.
  if (/:80(?:\/|$)/.test(text)) throw invalid(text, 'the port is none');
  if (scheme === 'ssh') return sshEndpoint(text, read, options);
  return tcpEndpoint(text, read, options);
}
