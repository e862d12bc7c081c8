import { resolve } from 'node:path';
import type { Fleet, FleetHost } from '../recipe/index.ts';
import type { EngineRuntimeOptions } from '../runtime/index.ts';
import { cliError } from './errors.ts';

/** A fleet file as far as this is concerned. */
export interface FleetOfHosts {
  readonly document: Pick<Fleet, 'hosts'>;
  readonly directory: string;
}

/** How the engine of a further host is connected to. */
export type EngineHostOptions = EngineRuntimeOptions & { readonly host: string };

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

/** `ssh://…`, `tcp://…`, `unix://…`, `context:NAME` of Docker, `connection:NAME` of podman. */
export function engineAddress(
  text: string,
): Pick<EngineRuntimeOptions, 'endpoint' | 'dockerContext' | 'podmanConnection'> {
  const [, kind, name = ''] = /^(context|connection):([^/].*)$/.exec(text) ?? [];
  if (kind === 'context') return { dockerContext: name };
  if (kind === 'connection') return { podmanConnection: name };
  return { endpoint: text };
}

/** `NAME=ADDRESS` of the command line. */
export function engineHostArgument(text: string): EngineHostOptions {
  const at = text.indexOf('=');
  const name = text.slice(0, Math.max(at, 0));
  if (NAME.test(name)) return { host: name, ...engineAddress(text.slice(at + 1)) };
  throw cliError('CLI_USAGE', `--engine-host takes NAME=ADDRESS, not ${JSON.stringify(text)}`, {
    hint: 'ADDRESS is ssh://…, tcp://…, context:NAME (Docker) or connection:NAME (podman).',
  });
}

/** The hosts of a fleet file; files they name lie beside it unless absolute. */
export function fleetHosts(fleet: FleetOfHosts): readonly EngineHostOptions[] {
  return (fleet.document.hosts ?? []).map((host) => hostOptions(host, fleet.directory));
}

function hostOptions(host: FleetHost, directory: string): EngineHostOptions {
  const { name, endpoint, dockerContext, podmanConnection, insecure, ...files } = host;
  const at = (file: string | undefined): string | undefined =>
    file === undefined ? undefined : resolve(directory, file);
  const given = <T extends object>(members: T): Partial<T> =>
    Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<T>;
  const tls = given({ caFile: at(files.caFile), certFile: at(files.certFile), keyFile: at(files.keyFile) });
  const trust = {
    ...given({ sshKeyFile: at(files.sshKeyFile), knownHostsFile: at(files.knownHostsFile), insecure }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
  return {
    host: name,
    ...given({ endpoint, dockerContext, podmanConnection }),
    ...(Object.keys(trust).length === 0 ? {} : { trust }),
  } as EngineHostOptions;
}
