import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildJob } from '../drivers/types.ts';

/** Where a build finds what it must know of the snapshot: in the container's own /dev, so that no layer ever has it. */
export const INSIDE = '/dev/heraklit';
/** Port of the proxy in the build's own network. */
export const PROXY_PORT = 3128;

/** `create` and `run` get a bundle, whose config.json is changed before the real runtime reads it. */
const wrapper = (node: string, script: string, facts: string, runtime: string): string => `#!/bin/sh
bundle= ; previous= ; starts=
for word in "$@"; do
  case "$previous" in --bundle|-b) bundle=$word ;; esac
  case "$word" in --bundle=*) bundle=\${word#--bundle=} ;; create|run) starts=yes ;; esac
  previous=$word
done
if [ -n "$starts" ]; then '${node}' '${script}' '${facts}' "\${bundle:-.}" || exit 1; fi
exec '${runtime}' "$@"
`;

const EDIT = `
import { readFileSync, writeFileSync } from 'node:fs';
const [facts, bundle] = process.argv.slice(2);
const { always, defaults, mounts, limits } = JSON.parse(readFileSync(facts, 'utf8'));
const file = bundle + '/config.json';
const spec = JSON.parse(readFileSync(file, 'utf8'));
const nameOf = (line) => line.slice(0, line.indexOf('='));
const env = (spec.process.env ?? []).filter((line) => !(nameOf(line) in always));
const there = new Set(env.map(nameOf));
for (const [name, value] of Object.entries(always)) env.push(name + '=' + value);
for (const [name, value] of Object.entries(defaults)) if (!there.has(name)) env.push(name + '=' + value);
spec.process.env = env;
spec.mounts = [...(spec.mounts ?? []), ...mounts];
const linux = (spec.linux ??= {});
const resources = (linux.resources ??= {});
resources.pids = { limit: limits.processes };
if (limits.memory !== undefined) resources.memory = { ...resources.memory, limit: limits.memory };
writeFileSync(file, JSON.stringify(spec));
`;

type Variables = Readonly<Record<string, string>>;

/** What containers of a build get to know besides what the recipe says; it stands in no image, history or cache key. */
export function containerVariables(epoch: number): { readonly always: Variables; readonly defaults: Variables } {
  const proxy = `http://127.0.0.1:${PROXY_PORT}`;
  const bundle = `${INSIDE}/ca.pem`;
  return {
    always: {
      http_proxy: proxy,
      https_proxy: proxy,
      HTTP_PROXY: proxy,
      HTTPS_PROXY: proxy,
      no_proxy: '',
      NO_PROXY: '',
    },
    defaults: {
      SOURCE_DATE_EPOCH: String(epoch),
      APT_CONFIG: `${INSIDE}/apt.conf`,
      SSL_CERT_FILE: bundle,
      CURL_CA_BUNDLE: bundle,
      GIT_SSL_CAINFO: bundle,
      NODE_EXTRA_CA_CERTS: bundle,
      npm_config_cafile: bundle,
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
      PIP_CERT: bundle,
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
      REQUESTS_CA_BUNDLE: bundle,
    },
  };
}

export interface RuntimeWrapper {
  /** An OCI runtime as builders call it. */
  readonly path: string;
  /** The authority's certificate, for the builder itself. */
  readonly certificate: string;
}

/**
 * A runtime that gives every container of a build the proxy, the build's certificate authority, apt's configuration, limits:
 * the same for every builder, whatever of that it can say by itself.
 * @param directory empty; only for this build
 */
export async function writeRuntimeWrapper(
  directory: string,
  runtime: string,
  { certificate, epoch, limits }: Pick<BuildJob, 'certificate' | 'epoch' | 'limits'>,
): Promise<RuntimeWrapper> {
  const { shown, certificate: path } = await writeInside(directory, certificate);
  const facts = join(directory, 'facts.json');
  const options = ['bind', 'ro', 'nosuid', 'nodev', 'noexec'];
  const mounts = [{ destination: INSIDE, type: 'bind', source: shown, options }];
  await writeFile(facts, JSON.stringify({ ...containerVariables(epoch), mounts, limits }));
  const script = join(directory, 'edit.mjs');
  await writeFile(script, EDIT);
  const program = join(directory, 'runc');
  await writeFile(program, wrapper(process.execPath, script, facts, runtime), { mode: 0o755 });
  return { path: program, certificate: path };
}

/** What is shown at `INSIDE`. @returns the folder, and the certificate in it */
export async function writeInside(
  directory: string,
  certificate: string,
): Promise<{ readonly shown: string; readonly certificate: string }> {
  const shown = join(directory, 'inside');
  await mkdir(shown, { recursive: true });
  await chmod(shown, 0o755);
  await writeFile(join(shown, 'ca.pem'), certificate, { mode: 0o644 });
  await writeFile(join(shown, 'apt.conf'), `Acquire::https::CAInfo "${INSIDE}/ca.pem";\n`, { mode: 0o644 });
  return { shown, certificate: join(shown, 'ca.pem') };
}
