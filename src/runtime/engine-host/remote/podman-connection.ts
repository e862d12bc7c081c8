import { readdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { engineHostError } from '../errors.ts';
import { type EndpointOptions, type EngineEndpoint, parseEndpoint } from './endpoint.ts';

/** Bytes of one file. */
const LIMIT = 1024 * 1024;

interface Destination {
  readonly uri: string;
  readonly identity: string | undefined;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

async function textIn(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found === undefined || !found.isFile() || found.size > LIMIT ? undefined : await readFile(file, 'utf8');
}

/** podman 5: `podman system connection add` writes JSON beside containers.conf. */
function fromJson(text: string, name: string): Destination | undefined {
  const connection = membersOf(membersOf(membersOf(membersOf(JSON.parse(text)).Connection).Connections)[name]);
  const uri = textOf(connection.URI);
  return uri === undefined ? undefined : { uri, identity: textOf(connection.Identity) };
}

/** podman 4 and administrators: `[engine.service_destinations.NAME]` of containers.conf. */
async function fromToml(text: string, name: string): Promise<Destination | undefined> {
  const { parse } = await import('smol-toml');
  const destinations = membersOf(membersOf(parse(text).engine).service_destinations);
  const found = membersOf(destinations[name]);
  const uri = textOf(found.uri);
  return uri === undefined ? undefined : { uri, identity: textOf(found.identity) };
}

/** Later ones are above earlier ones (containers.conf(5)). */
async function configurationFiles(environment: NodeJS.ProcessEnv): Promise<readonly string[]> {
  if (environment.CONTAINERS_CONF !== undefined) return [environment.CONTAINERS_CONF];
  const own = join(environment.XDG_CONFIG_HOME ?? join(environment.HOME ?? homedir(), '.config'), 'containers');
  const files: string[] = ['/usr/share/containers/containers.conf'];
  for (const folder of ['/etc/containers', own]) {
    files.push(join(folder, 'containers.conf'));
    const parts = await readdir(join(folder, 'containers.conf.d')).catch(() => []);
    files.push(
      ...parts
        .filter((part) => part.endsWith('.conf'))
        .sort()
        .map((part) => join(folder, 'containers.conf.d', part)),
    );
  }
  const json = environment.PODMAN_CONNECTIONS_CONF ?? join(own, 'podman-connections.json');
  return [...files, json];
}

/**
 * A connection that `podman system connection add` stored, or that containers.conf names.
 * @throws ENGINE_HOST_ENDPOINT_INVALID, ENGINE_HOST_UNTRUSTED
 */
export async function podmanConnection(
  name: string,
  options: EndpointOptions,
  environment: NodeJS.ProcessEnv,
): Promise<EngineEndpoint> {
  let found: Destination | undefined;
  for (const file of await configurationFiles(environment)) {
    const text = await textIn(file);
    if (text === undefined) continue;
    try {
      found = (file.endsWith('.json') ? fromJson(text, name) : await fromToml(text, name)) ?? found;
    } catch (cause) {
      throw engineHostError('ENGINE_HOST_ENDPOINT_INVALID', `${file} cannot be read`, { cause });
    }
  }
  if (found === undefined) {
    throw engineHostError('ENGINE_HOST_ENDPOINT_INVALID', `podman has no connection ${JSON.stringify(name)}`, {
      hint: '`podman system connection list` lists them.',
    });
  }
  const { uri, identity } = found;
  return parseEndpoint(uri, { ...(identity === undefined ? {} : { sshKeyFile: identity }), ...options });
}
