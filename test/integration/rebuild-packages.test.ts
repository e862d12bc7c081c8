/** Real apt and real npm through a rebuild: recorded from the mirror and the registry, then with the network cut. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseDockerfileLock } from '../../src/build/index.ts';
import { diffTrees, type FlatTree, flattenLayers, indexLayer, parseReference } from '../../src/oci/index.ts';
import { openImage } from '../../src/transport/index.ts';
import { openCli } from '../support/cli.ts';
import { sourceLines } from '../support/debian-image.ts';
import { isMissing } from '../support/engine-tools.ts';
import { isRegistryOut } from '../support/npm-registry.ts';

const execute = promisify(execFile);
const BIN = fileURLToPath(new URL('../../bin/heraklit.js', import.meta.url));

/** What two runs of apt never have in common: logs with times, and caches of binary indexes. */
const VOLATILE = /^(?:var\/log\/|var\/cache\/(?:apt|ldconfig)\/|root\/\.npm\/)/;

async function treeOf(reference: string): Promise<FlatTree> {
  const image = await openImage(parseReference(reference));
  const indexes = await Promise.all(
    image.manifest.layers.map(async ({ digest, mediaType }) => {
      const { index } = await indexLayer(await image.blobs.open(digest), mediaType, { hashFiles: true });
      return index;
    }),
  );
  await image.close();
  return flattenLayers(indexes);
}

test('apt and npm: recorded and verified once, then the same content with the network cut', async (context) => {
  if (isMissing(context, 'buildah', 'runc', 'unshare', 'npm')) return;
  if (process.getuid?.() !== 0) return context.skip('needs root: Buildah in namespaces of its own');
  const cli = await openCli(context);
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await cli.run(args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const packages =
    'apt, dash, coreutils, dpkg, base-files, base-passwd, debian-archive-keyring, tar, sed, grep, findutils, diffutils, libc-bin, perl-base, passwd';
  const recipe = `apiVersion: heraklit/v1\nkind: Image\nname: base\ndistribution: debian/trixie\nscripts: none\npackages: [${packages}]\n`;
  await writeFile(join(cli.root, 'base.yaml'), recipe);
  await run('build', 'base.yaml', '-o', 'oci:base:it');

  const app = join(cli.root, 'app');
  await mkdir(app);
  const npm = dirname(dirname(await realpath((await execute('which', ['npm'])).stdout.trim())));
  await copyFile(process.execPath, join(app, 'node'));
  await cp(npm, join(app, 'npm'), { recursive: true });
  const { stdout: registry } = await execute('npm', ['config', 'get', 'registry']);
  const lines = [
    'FROM oci:../base:it',
    `RUN rm -rf /etc/apt/sources.list.d && echo '${(await sourceLines('trixie'))[0]}' > /etc/apt/sources.list \\`,
    ' && apt-get -o Acquire::Languages=none update && apt-get install -y --no-install-recommends jq && rm -rf /var/lib/apt/lists/*',
    'COPY . /opt/',
    `RUN mkdir /app && cd /app && NODE_DISABLE_COMPILE_CACHE=1 /opt/node /opt/npm/bin/npm-cli.js install --registry=${registry.trim()} --loglevel=error semver@7.6.3`,
    `RUN jq --version && /opt/node -e "console.log(require('/app/node_modules/semver').valid('1.2.3'))"`,
  ];
  await writeFile(join(app, 'Dockerfile'), lines.join('\n'));
  await writeFile(join(app, '.dockerignore'), 'Dockerfile*');
  const first = await cli.run(['build', 'app', '-o', 'oci:out:first', '--format', 'json']);
  if (first.code !== 0 && isRegistryOut({ stderr: first.stderr })) return context.skip('no npm registry');
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(JSON.parse(first.stdout).refused, []);

  const lock = parseDockerfileLock(await readFile(join(app, 'Dockerfile.lock'), 'utf8'), 'Dockerfile.lock');
  const by = new Map(lock.platforms[0]?.resources.map((one) => [one.url, one.by]));
  const said = (pattern: RegExp): string[] => [...by].filter(([url]) => pattern.test(url)).map(([, who]) => who);
  assert.deepEqual([...new Set(said(/\.deb$|InRelease$|\/by-hash\//))], ['debian']);
  assert.ok(said(/\.deb$/).length >= 3, 'jq and its libraries');
  assert.match(said(/semver-7\.6\.3\.tgz$/).join(), /^npm integrity/);

  // The whole command in a network namespace without any interface that is up: nothing it starts has a network either.
  const command = [process.execPath, BIN, 'build', 'app', '--locked', '--offline', '-o', 'oci:out:again'];
  await execute('unshare', ['--net', ...command], { cwd: cli.root, env: { ...process.env, HERAKLIT_HOME: cli.home } });
  const { added, removed, changed } = diffTrees(
    await treeOf(`oci:${cli.root}/out:first`),
    await treeOf(`oci:${cli.root}/out:again`),
  );
  assert.deepEqual(
    [...added, ...removed, ...changed].filter((path) => !VOLATILE.test(path)),
    [],
  );
});
