import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { engineHostError } from '../errors.ts';
import { type EndpointOptions, type EngineEndpoint, parseEndpoint, type TlsFiles } from './endpoint.ts';

/** Bytes of one meta.json. */
const LIMIT = 1024 * 1024;

const configFolder = (environment: NodeJS.ProcessEnv): string =>
  environment.DOCKER_CONFIG ?? join(environment.HOME ?? homedir(), '.docker');

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;

/** ca.pem, cert.pem and key.pem, as many as there are. */
async function filesIn(folder: string): Promise<TlsFiles | undefined> {
  const [caFile, certFile, keyFile] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const files = {
    ...((await exists(caFile)) ? { caFile } : {}),
    ...((await exists(certFile)) ? { certFile } : {}),
    ...((await exists(keyFile)) ? { keyFile } : {}),
  };
  return Object.keys(files).length === 0 ? undefined : files;
}

interface ContextEndpoint {
  readonly host: string;
  readonly skipVerify: boolean;
}

async function readContext(file: string, name: string): Promise<ContextEndpoint> {
  const unknown = (why: string, cause?: unknown) =>
    engineHostError('ENGINE_HOST_ENDPOINT_INVALID', `Docker context ${JSON.stringify(name)}: ${why}`, {
      ...(cause === undefined ? {} : { cause }),
      hint: '`docker context ls` lists them.',
    });
  try {
    if ((await stat(file)).size > LIMIT) throw unknown(`${file} is over ${LIMIT} bytes`);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw unknown('there is none of that name', cause);
    throw cause;
  }
  try {
    const read = JSON.parse(await readFile(file, 'utf8')) as {
      Endpoints?: { docker?: { Host?: unknown; SkipTLSVerify?: unknown } };
    };
    const { Host, SkipTLSVerify } = read.Endpoints?.docker ?? {};
    if (typeof Host !== 'string') throw new Error('it names no docker endpoint');
    return { host: Host, skipVerify: SkipTLSVerify === true };
  } catch (cause) {
    throw unknown(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/**
 * The docker endpoint of a context as `docker context create` stores it: `meta/<sha256 of the name>/meta.json`, its
 * certificates in `tls/<the same>/docker`.
 * https://docs.docker.com/engine/manage-resources/contexts/
 * @throws ENGINE_HOST_ENDPOINT_INVALID, ENGINE_HOST_UNTRUSTED
 */
export async function dockerContext(
  name: string,
  options: EndpointOptions,
  environment: NodeJS.ProcessEnv,
): Promise<EngineEndpoint> {
  if (name === 'default') return { kind: 'socket', path: '/var/run/docker.sock' };
  const folder = join(configFolder(environment), 'contexts');
  const id = createHash('sha256').update(name).digest('hex');
  const { host, skipVerify } = await readContext(join(folder, 'meta', id, 'meta.json'), name);
  const tls = options.tls ?? (await filesIn(join(folder, 'tls', id, 'docker')));
  return parseEndpoint(host, { ...options, ...(tls === undefined ? {} : { tls }), skipVerify });
}

/** DOCKER_HOST with DOCKER_TLS_VERIFY, DOCKER_CERT_PATH. @throws ENGINE_HOST_ENDPOINT_INVALID, ENGINE_HOST_UNTRUSTED */
export async function dockerHost(
  host: string,
  options: EndpointOptions,
  environment: NodeJS.ProcessEnv,
): Promise<EngineEndpoint> {
  const verify = (environment.DOCKER_TLS_VERIFY ?? '') !== '';
  const folder = environment.DOCKER_CERT_PATH ?? configFolder(environment);
  const tls =
    options.tls ?? (verify || environment.DOCKER_TLS !== undefined ? ((await filesIn(folder)) ?? {}) : undefined);
  return parseEndpoint(host, {
    ...options,
    ...(tls === undefined ? {} : { tls }),
    skipVerify: !verify && tls !== undefined && options.tls === undefined,
  });
}
