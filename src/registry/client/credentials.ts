import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { messageOf } from '../../base/index.ts';
import { registryError } from '../errors.ts';

export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, as `docker login` stores for some registries. */
  | { readonly kind: 'token'; readonly identityToken: string };

interface AuthFile {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/** Credential helpers are programs named docker-credential-NAME; anything else in NAME would be a path. */
const HELPER = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;
/** Milliseconds a helper may take: it may ask the user's keyring. */
const HELPER_TIMEOUT = 30_000;
const DOCKER_HUB = ['docker.io', 'index.docker.io', 'https://index.docker.io/v1/', 'registry-1.docker.io'];

/**
 * What the user is logged in with, from the files of podman, buildah, skopeo (containers-auth.json(5)) and docker.
 * `$REGISTRY_AUTH_FILE` alone is asked where it is set. The most specific entry of the first file that has one wins.
 *
 * @throws REGISTRY_AUTH_FILE_INVALID
 */
export async function findCredentials(
  registry: string,
  repository: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Credentials | undefined> {
  for (const path of authFiles(environment)) {
    const file = await readAuthFile(path);
    if (file === undefined) continue;
    for (const key of keysOf(registry, repository)) {
      const found = await lookup(file, key, path, environment);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

export function authFiles(environment: NodeJS.ProcessEnv): readonly string[] {
  const named = environment.REGISTRY_AUTH_FILE;
  if (named !== undefined && named !== '') return [named];
  const home = environment.HOME ?? homedir();
  const runtime = environment.XDG_RUNTIME_DIR ?? `/run/containers/${process.getuid?.() ?? 0}`;
  return [
    join(runtime, 'containers', 'auth.json'),
    join(environment.XDG_CONFIG_HOME ?? join(home, '.config'), 'containers', 'auth.json'),
    join(environment.DOCKER_CONFIG ?? join(home, '.docker'), 'config.json'),
  ];
}

/** `host/a/b`, `host/a`, `host`; and the old names that Docker Hub's entry goes by. */
function keysOf(registry: string, repository: string): readonly string[] {
  const parts = repository.split('/');
  const nested = parts.map((_, index) => [registry, ...parts.slice(0, parts.length - index)].join('/'));
  const hosts = DOCKER_HUB.includes(registry)
    ? DOCKER_HUB
    : [registry, `https://${registry}`, `https://${registry}/v2/`];
  return [...nested, ...hosts];
}

async function readAuthFile(path: string): Promise<AuthFile | undefined> {
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const file: unknown = JSON.parse(content);
    if (file !== null && typeof file === 'object') return file as AuthFile;
  } catch {
    // The parser's message may quote what it read: secrets. So no cause.
  }
  throw registryError('REGISTRY_AUTH_FILE_INVALID', `${path} is not a JSON object of registry credentials`, {
    hint: 'Log in again with podman login or docker login, or remove the file.',
  });
}

async function lookup(
  file: AuthFile,
  key: string,
  path: string,
  environment: NodeJS.ProcessEnv,
): Promise<Credentials | undefined> {
  const helper = file.credHelpers?.[key];
  if (helper !== undefined) return askHelper(helper, key, environment);
  const entry = file.auths?.[key];
  if (entry === undefined) return undefined;
  if (typeof entry.identitytoken === 'string' && entry.identitytoken !== '') {
    return { kind: 'token', identityToken: entry.identitytoken };
  }
  if (typeof entry.auth === 'string' && entry.auth !== '') return decode(entry.auth, path, key);
  return file.credsStore === undefined ? undefined : askHelper(file.credsStore, key, environment);
}

function decode(auth: string, path: string, key: string): Credentials {
  const pair = Buffer.from(auth, 'base64').toString();
  const colon = pair.indexOf(':');
  if (colon > 0) return { kind: 'password', username: pair.slice(0, colon), password: pair.slice(colon + 1) };
  throw registryError('REGISTRY_AUTH_FILE_INVALID', `${path}: the auth entry of ${key} is not base64 of user:password`);
}

/** docker-credential-helpers protocol: the key on stdin, `{"Username","Secret"}` on stdout. */
async function askHelper(name: string, key: string, environment: NodeJS.ProcessEnv): Promise<Credentials | undefined> {
  if (!HELPER.test(name)) {
    throw registryError('REGISTRY_AUTH_FILE_INVALID', `not the name of a credential helper: ${JSON.stringify(name)}`);
  }
  const child = spawn(`docker-credential-${name}`, ['get'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: environment,
    signal: AbortSignal.timeout(HELPER_TIMEOUT),
  });
  try {
    child.stdin.on('error', () => {});
    child.stdin.end(key);
    const started = new Promise<never>((_, reject) => child.once('error', reject));
    const answer = JSON.parse(await Promise.race([text(child.stdout), started])) as Record<string, unknown>;
    const { Username: username, Secret: secret } = answer;
    if (typeof username !== 'string' || typeof secret !== 'string') return undefined;
    return username === '<token>'
      ? { kind: 'token', identityToken: secret }
      : { kind: 'password', username, password: secret };
  } catch (error) {
    // A helper that knows nothing of the registry says so in words; one that is not there is worth telling.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return undefined;
    throw registryError('REGISTRY_AUTH_FILE_INVALID', `docker-credential-${name}: ${messageOf(error)}`);
  }
}
