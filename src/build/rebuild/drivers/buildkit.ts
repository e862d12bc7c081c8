import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestHex } from '../../../oci/index.ts';
import { PROXY_PORT, writeRuntimeWrapper } from '../confine/runtime-wrapper.ts';
import { withImages } from '../dockerfile/pin.ts';
import { layoutOf } from './base-layout.ts';
import { jobOptions } from './job-options.ts';
import { findProgram } from './programs.ts';
import { type Builder, type BuilderResult, type BuildJob, imageKey } from './types.ts';

/** Where distributions put plug-ins of the docker command. */
const PLUGINS = ['/usr/libexec/docker/cli-plugins', '/usr/lib/docker/cli-plugins', '/usr/local/lib/docker/cli-plugins'];

/**
 * The daemon that BuildKit is part of, for this build alone, and the build. Inside the namespaces: the daemon has no other
 * network than the build, and its mounts and processes end with it.
 */
const SCRIPT = `
set -e
directory=$1 resolv=$2 dockerd=$3; shift 3
mount --bind "$resolv" /etc/resolv.conf
"$dockerd" --config-file "$directory/daemon.json" --pidfile "$directory/daemon.pid" --host "unix://$directory/daemon.sock" \\
  --data-root "$directory/data" --exec-root "$directory/exec" --iptables=false --ip6tables=false --bridge=none \\
  > "$directory/daemon.log" 2>&1 &
daemon=$!
while [ ! -S "$directory/daemon.sock" ]; do
  kill -0 "$daemon" 2> /dev/null || { tail -n 5 "$directory/daemon.log"; exit 125; }
  sleep 0.1
done
exec "$@"
`;

/** BuildKit as part of a Docker daemon that lives as long as the build. */
export function createBuildKit(path = process.env.PATH ?? ''): Builder {
  const dockerd = findProgram('dockerd', path);
  const containerd = findProgram('containerd', path);
  const buildx = findProgram('docker-buildx', [path, ...PLUGINS].join(':'));
  const runc = findProgram('runc', path);
  const missing = Object.entries({ dockerd, containerd, 'docker-buildx': buildx, runc }).filter(
    ([, at]) => at === undefined,
  );
  return {
    name: 'buildkit',
    missing: () => {
      if (missing.length > 0) return `${missing.map(([name]) => name).join(', ')} not installed`;
      return process.getuid?.() === 0 ? undefined : 'building without network needs root';
    },
    build: (job) => build(job, { dockerd: dockerd ?? '', buildx: buildx ?? '', runc: runc ?? '', path }),
  };
}

interface Programs {
  readonly dockerd: string;
  readonly buildx: string;
  readonly runc: string;
  readonly path: string;
}

async function build(job: BuildJob, programs: Programs): Promise<BuilderResult> {
  const { directory, platform, epoch } = job;
  const contexts: string[] = [];
  const names = new Map<string, string>();
  await mkdir(join(directory, 'bases'));
  for (const [key, image] of job.images) {
    const name = `heraklit-base-${digestHex(image.digest).slice(0, 40)}`;
    names.set(key, name);
    const { folder, tag } = await layoutOf(image, join(directory, 'bases'), job.signal);
    contexts.push('--build-context', `${name}=oci-layout://${folder}:${tag}`);
  }
  const file = join(directory, 'Dockerfile');
  await writeFile(
    file,
    withImages(job.recipe, (use) => names.get(imageKey(use.name, use.platform ?? platform)) as string),
  );
  // Beside the Dockerfile and named after it, it is preferred to the context's own.
  await writeFile(`${file}.dockerignore`, job.ignore);
  const wrapper = await writeRuntimeWrapper(join(directory, 'runtime'), programs.runc, job);
  // Layouts as contexts and as output need the image store of containerd.
  await writeFile(join(directory, 'daemon.json'), '{"features":{"containerd-snapshotter":true}}');
  await writeFile(join(directory, 'resolv.conf'), 'nameserver 127.0.0.1\n');
  const layout = join(directory, 'result');
  const output = ['type=oci', 'tar=false', 'rewrite-timestamp=true', 'compression=uncompressed', `dest=${layout}`];
  const argv = [
    ...['/bin/sh', '-c', SCRIPT, 'sh', directory, join(directory, 'resolv.conf'), programs.dockerd],
    ...[programs.buildx, 'build', '--progress', 'plain', '--network', 'host', '--pull=false'],
    ...(await cacheOptions(job)),
    ...['--provenance=false', '--sbom=false', '--platform', platform, '--file', file, ...contexts],
    ...jobOptions(job),
    ...['--output', output.join(','), job.context],
  ];
  const proxy = `http://127.0.0.1:${PROXY_PORT}`;
  const environment = {
    // The wrapper is called runc: the daemon takes the first of that name.
    PATH: `${join(directory, 'runtime')}:${programs.path}:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: directory,
    TMPDIR: directory,
    XDG_RUNTIME_DIR: directory,
    LC_ALL: 'C',
    DOCKER_HOST: `unix://${join(directory, 'daemon.sock')}`,
    SOURCE_DATE_EPOCH: String(epoch),
    // For what BuildKit itself fetches: ADD of a URL. The daemon's socket is reached without.
    ...{ HTTP_PROXY: proxy, HTTPS_PROXY: proxy, SSL_CERT_FILE: wrapper.certificate },
    ...(process.env.SSH_AUTH_SOCK === undefined ? {} : { SSH_AUTH_SOCK: process.env.SSH_AUTH_SOCK }),
  };
  return {
    exitCode: await job.inside(argv, environment),
    image: { kind: 'oci', directory: layout, tag: undefined },
    names,
  };
}

/** Steps of other builds: one manifest of all of them, by a repository that only the client has the password of. */
async function cacheOptions({ stepCache: cache, directory }: BuildJob): Promise<readonly string[]> {
  if (cache === undefined || !(cache.read || cache.write)) return ['--no-cache'];
  const host = cache.repository.split('/', 1)[0] ?? '';
  const auth = Buffer.from(`${cache.user}:${cache.password}`).toString('base64');
  await mkdir(join(directory, '.docker'), { recursive: true });
  await writeFile(join(directory, '.docker', 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }), {
    mode: 0o600,
  });
  const place = `type=registry,ref=${cache.repository}:buildkit,registry.insecure=true`;
  return [
    ...(cache.read ? ['--cache-from', place] : []),
    ...(cache.write ? ['--cache-to', `${place},mode=max,image-manifest=true,oci-mediatypes=true`] : []),
  ];
}
