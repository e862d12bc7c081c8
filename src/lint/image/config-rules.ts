import { givesSecretAway, hasUrlPassword, isSecretName } from '../secret-names.ts';
import type { LintHit, LintRule } from '../types.ts';
import type { ImageSubject } from './subject.ts';

const PORT_SSH = /^22(?:\/tcp)?$/;

/** Rules over config, history and annotations. */
export const CONFIG_RULES: readonly LintRule<ImageSubject>[] = [
  {
    id: 'root-user',
    severity: 'warning',
    meaning: 'The image runs as root: whoever breaks out of the program is root in the container. Set USER.',
    *check({ contents }) {
      const user = contents.config?.config?.User ?? '';
      if (/^(?:|0|root)(?::.*)?$/.test(user)) {
        yield { message: user === '' ? 'no user is set: it runs as root' : `it runs as ${JSON.stringify(user)}` };
      }
    },
  },
  {
    id: 'secret-variable',
    severity: 'error',
    meaning: 'An environment variable of the image holds a secret, for everybody who can pull it. Give it at run time.',
    *check({ contents }) {
      for (const variable of contents.config?.config?.Env ?? []) {
        const [name = '', ...rest] = variable.split('=');
        if (givesSecretAway(name, rest.join('='))) yield { message: `the variable ${name} holds a secret` };
      }
    },
  },
  {
    id: 'secret-history',
    severity: 'error',
    meaning:
      'A command in the history names a secret (a build argument, an address with a password). Use a build secret.',
    *check({ contents }) {
      for (const [at, { created_by: command = '' }] of (contents.config?.history ?? []).entries()) {
        const named = secretArgument(command);
        if (named !== undefined) yield { message: `step ${at + 1} of the history gives ${named} away` };
        else if (hasUrlPassword(command))
          yield { message: `step ${at + 1} of the history has an address with a password` };
      }
    },
  },
  {
    id: 'latest-tag',
    severity: 'warning',
    meaning: 'The tag `latest` (or none) names another image tomorrow. Name a version, or a digest.',
    *check({ tag, fromRegistry }) {
      if (fromRegistry && tag === 'latest') yield { message: 'it is named by the tag latest' };
    },
  },
  {
    id: 'base-unpinned',
    severity: 'info',
    meaning: 'Annotations name a base image without its digest: nobody can tell which one it was built on.',
    *check({ contents }) {
      const { annotations } = contents;
      const name = annotations['org.opencontainers.image.base.name'];
      if (name !== undefined && annotations['org.opencontainers.image.base.digest'] === undefined) {
        yield { message: `the base ${JSON.stringify(name)} is named without a digest` };
      }
    },
  },
  {
    id: 'no-source',
    severity: 'info',
    meaning: 'Neither labels nor annotations say where the image comes from (org.opencontainers.image.source).',
    *check({ contents }) {
      const labels = { ...contents.config?.config?.Labels, ...contents.annotations };
      if (!Object.hasOwn(labels, 'org.opencontainers.image.source')) yield { message: 'no source is named' };
    },
  },
  {
    id: 'no-command',
    severity: 'info',
    meaning: 'The image has neither an entry point nor a command: it runs only with one given.',
    *check({ contents }) {
      const { Entrypoint = [], Cmd = [] } = contents.config?.config ?? {};
      if (Entrypoint.length + Cmd.length === 0) yield { message: 'no entry point and no command' };
    },
  },
  {
    id: 'ssh-port',
    severity: 'warning',
    meaning:
      'The image exposes the SSH port: a container is entered through its engine, not through a server of its own.',
    *check({ contents }) {
      if (Object.keys(contents.config?.config?.ExposedPorts ?? {}).some((port) => PORT_SSH.test(port))) {
        yield { message: 'port 22 is exposed' };
      }
    },
  },
  {
    id: 'relative-path-entry',
    severity: 'warning',
    meaning: 'PATH has an entry that is not absolute: a file in the working folder takes the place of a command.',
    *check({ contents }) {
      const path = contents.config?.config?.Env?.find((variable) => variable.startsWith('PATH='))?.slice(5);
      const bad = path?.split(':').filter((entry) => !entry.startsWith('/')) ?? [];
      if (bad.length > 0) yield { message: `PATH has ${bad.map((entry) => JSON.stringify(entry)).join(', ')}` };
    },
  },
  {
    id: 'many-layers',
    severity: 'warning',
    meaning: 'Engines stop at 127 layers: a build on top of this image may not work. Join steps.',
    *check({ records }): Iterable<LintHit> {
      if (records.length > 100) yield { message: `${records.length} layers` };
    },
  },
];

/** `|1 TOKEN=abc /bin/sh -c …` and `ENV PASSWORD=x`, as docker and buildkit write history. */
function secretArgument(command: string): string | undefined {
  for (const [, name = '', value = ''] of command.matchAll(
    /(?:^|[\s;&])([A-Za-z_][A-Za-z0-9_]*)=("[^"]+"|'[^']+'|[^\s;&]+)/g,
  )) {
    if (isSecretName(name) && !/^["']?\$/.test(value)) return name;
  }
  return undefined;
}
