/**
 * What a rebuild costs over the builder itself: heraklit (locked, without network) and `buildah build` in turn, from a base
 * that both have unpacked already, into an OCI layout. The goal is a ratio of 0.91: at most a tenth more.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshHome, HERAKLIT, imageOf, mirror, releaseRoot, sh } from './fixtures.ts';
import { compare, report } from './harness.ts';

const RUNS = Number(process.env.RUNS ?? 5);
const GOAL = 0.91;
const EPOCH = '1700000000';

const { layout } = imageOf(releaseRoot('bookworm', []));
const home = freshHome();
const storage = ['--root', join(home, 'peer'), '--runroot', join(home, 'peer-run'), '--storage-driver', 'overlay'];
sh('buildah', ...storage, 'tag', sh('buildah', ...storage, 'pull', '--quiet', layout).trim(), 'localhost/base');

const row = (name: string, steps: readonly string[]) => {
  const context = join(home, name.replaceAll(' ', '-'));
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), [`FROM ${layout}`, ...steps].join('\n'));
  writeFileSync(join(context, 'Plainfile'), ['FROM localhost/base', ...steps].join('\n'));
  const ours = [
    process.execPath,
    HERAKLIT,
    '--home',
    join(home, 'home'),
    'build',
    join(context, 'Dockerfile'),
    '--builder',
    'buildah',
  ];
  const target = ['-o', `oci:${context}-ours:it`];
  sh(ours[0] as string, ...ours.slice(1), ...target);
  const peer = ['buildah', ...storage, 'build', '--runtime', 'runc', '--network', 'host', '--no-cache', '--pull=never'];
  const plain = [
    '--timestamp',
    EPOCH,
    '--file',
    join(context, 'Plainfile'),
    '--tag',
    `oci:${context}-peer:it`,
    context,
  ];
  const empty = (which: string) => () => rmSync(`${context}-${which}`, { recursive: true, force: true });
  return compare(
    name,
    { name: 'heraklit', argv: [...ours, '--locked', '--offline', ...target], prepare: empty('ours') },
    { name: 'buildah', argv: [...peer, ...plain], prepare: empty('peer') },
    GOAL,
    RUNS,
  );
};

const sources = `rm -rf /etc/apt/sources.list.d && echo 'deb ${mirror()} bookworm main' > /etc/apt/sources.list`;
const install = 'apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends';
const comparisons = [
  row('packages', [`RUN ${sources} && ${install} curl nginx-light python3-minimal > /dev/null`]),
  row('no packages', ['RUN dpkg --list > /list', 'RUN find / -xdev -type f -exec sha256sum {} + > /sums']),
];
report(comparisons);
sh('sh', '-c', `umount ${join(home, 'peer', 'overlay')} 2> /dev/null; rm -rf ${home}`);
