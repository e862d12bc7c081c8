/**
 * `heraklit scan` beside trivy's SBOM run on the same Debian image: cold (empty caches), net of each tool's start-up,
 * and again with a warm cache. Needs `npm ci` in bench/ and mmdebstrap, buildah, skopeo.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freshHome, HERAKLIT, imageOf, releaseRoot, sh, TRIVY, WORK } from './fixtures.ts';
import { compare, median, report, timeOnce } from './harness.ts';

const RUNS = 7;
const PACKAGES = [
  'python3',
  'nginx',
  'openssl',
  'curl',
  'postgresql-client',
  'ca-certificates',
  'openssh-client',
].concat(['procps', 'iproute2', 'less', 'gnupg', 'jq']);
const { layout } = imageOf(releaseRoot('trixie', PACKAGES));
/** This trivy ends with code 1 on an OCI archive, without a word; it reads the layout's folder. */
const folder = layout.replace(/^oci:(.*):bench$/, '$1');
const home = freshHome();
const trivyCache = join(WORK, 'trivy-cache');
const heraklit = (...args: readonly string[]): readonly string[] => [
  process.execPath,
  HERAKLIT,
  '--home',
  home,
  ...args,
];
const trivy = (): readonly string[] => [
  TRIVY,
  'image',
  '--quiet',
  '--offline-scan',
  '--skip-db-update',
  '--skip-java-db-update',
  '--cache-dir',
  trivyCache,
  '--format',
  'cyclonedx',
  '--output',
  join(WORK, 'trivy.json'),
  '--input',
  folder,
];
const emptyOurs = (): void => rmSync(join(home, 'cache'), { recursive: true, force: true });
const emptyTheirs = (): void => rmSync(trivyCache, { recursive: true, force: true });

const scan = heraklit('scan', layout, '--format', 'cyclonedx');
const cold = compare(
  'scan, cold',
  { name: 'heraklit', argv: scan, prepare: emptyOurs },
  { name: 'trivy', argv: trivy(), prepare: emptyTheirs },
  5,
  RUNS,
);
const startOurs = median(Array.from({ length: RUNS }, () => timeOnce({ name: 'start', argv: heraklit('--version') })));
const startTheirs = median(Array.from({ length: RUNS }, () => timeOnce({ name: 'start', argv: [TRIVY, '--version'] })));
const net = {
  ...cold,
  title: `scan, cold, start-up (${startOurs.toFixed(2)} s, ${startTheirs.toFixed(2)} s) subtracted`,
  ours: { ...cold.ours, median: cold.ours.median - startOurs },
  peer: { ...cold.peer, median: cold.peer.median - startTheirs },
  ratio: (cold.peer.median - startTheirs) / (cold.ours.median - startOurs),
  goal: 2,
};
sh(process.execPath, ...scan.slice(1));
const warmOurs = compare(
  'scan, second time beside trivy cold',
  { name: 'heraklit warm', argv: scan },
  { name: 'trivy', argv: trivy(), prepare: emptyTheirs },
  20,
  RUNS,
);
report([cold, net, warmOurs]);
cpSync(join(WORK, 'trivy.json'), join(WORK, 'trivy-last.json'));
rmSync(home, { recursive: true, force: true });
