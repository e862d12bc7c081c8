import type {
  EventRecord,
  EventStream,
  Finding,
  Fleet,
  FleetImage,
  FleetQueries,
  Grade,
  HostReports,
  ImageStatus,
  Layer,
  Layers,
  OutdatedImage,
  Plan,
  PlanTask,
  Strategy,
} from '../../src/http/index.ts';
import { httpError } from '../../src/http/index.ts';
import type { RegistryMaintenance } from '../../src/registry/index.ts';

const NOW = Date.parse('2026-11-21T11:30:00Z');
const iso = (minutesAgo: number): string => new Date(NOW - minutesAgo * 60_000).toISOString();
const sha = (seed: string): string => {
  let value = 2166136261;
  let text = '';
  while (text.length < 64) {
    for (const letter of `${seed}${text.length}`) value = Math.imul(value ^ letter.charCodeAt(0), 16777619) >>> 0;
    text += value.toString(16).padStart(8, '0');
  }
  return `sha256:${text.slice(0, 64)}`;
};

interface Row {
  readonly name: string;
  readonly base: string | null;
  readonly packages: number;
  readonly megabytes: number;
  readonly findings: readonly [total: number, security: number, advisories: number];
  readonly grade: Grade | null;
  readonly strategy: Strategy | null;
  readonly status?: ImageStatus;
  readonly workloads?: number;
}

const ROWS: readonly Row[] = [
  { name: 'base', base: null, packages: 78, megabytes: 29, findings: [6, 4, 9], grade: 'C', strategy: 'compose' },
  {
    name: 'runtime-python',
    base: 'base',
    packages: 104,
    megabytes: 42,
    findings: [9, 6, 14],
    grade: 'C',
    strategy: 'compose',
  },
  {
    name: 'runtime-nginx',
    base: 'base',
    packages: 92,
    megabytes: 35,
    findings: [8, 6, 13],
    grade: 'D',
    strategy: 'compose',
  },
  {
    name: 'runtime-node',
    base: 'base',
    packages: 97,
    megabytes: 61,
    findings: [0, 0, 0],
    grade: 'A',
    strategy: 'rebuild',
  },
  {
    name: 'runtime-postgresql',
    base: 'base',
    packages: 131,
    megabytes: 88,
    findings: [11, 7, 19],
    grade: 'D',
    strategy: 'patch',
  },
  {
    name: 'shop-api',
    base: 'runtime-python',
    packages: 104,
    megabytes: 47,
    findings: [9, 6, 14],
    grade: 'C',
    strategy: 'rebase',
    workloads: 3,
  },
  {
    name: 'shop-web',
    base: 'runtime-nginx',
    packages: 92,
    megabytes: 38,
    findings: [8, 6, 13],
    grade: 'D',
    strategy: 'rebase',
    workloads: 2,
  },
  {
    name: 'billing',
    base: 'runtime-python',
    packages: 110,
    megabytes: 51,
    findings: [10, 6, 14],
    grade: 'C',
    strategy: 'rebase',
    workloads: 1,
  },
  {
    name: 'search',
    base: 'runtime-node',
    packages: 97,
    megabytes: 66,
    findings: [0, 0, 0],
    grade: 'A',
    strategy: 'rebuild',
    workloads: 4,
  },
  {
    name: 'mailer',
    base: 'runtime-python',
    packages: 106,
    megabytes: 44,
    findings: [1, 0, 0],
    grade: 'B',
    strategy: 'rebase',
    workloads: 1,
  },
  {
    name: 'orders-db',
    base: 'runtime-postgresql',
    packages: 131,
    megabytes: 89,
    findings: [11, 7, 19],
    grade: 'D',
    strategy: 'patch',
    status: 'quarantined',
    workloads: 1,
  },
  {
    name: 'status-page',
    base: 'runtime-nginx',
    packages: 92,
    megabytes: 36,
    findings: [8, 6, 13],
    grade: 'E',
    strategy: 'rebase',
    workloads: 1,
  },
  {
    name: 'legacy-erp',
    base: null,
    packages: 214,
    megabytes: 243,
    findings: [63, 41, 120],
    grade: 'E',
    strategy: 'patch',
    workloads: 2,
  },
  {
    name: 'vendor-scanner',
    base: null,
    packages: 0,
    megabytes: 18,
    findings: [0, 0, 0],
    grade: null,
    strategy: 'none',
  },
];

const levelOf = (name: string | null): number => {
  const row = ROWS.find((one) => one.name === name);
  return row === undefined || row.base === null ? 0 : levelOf(row.base) + 1;
};

const referenceOf = (name: string): string => `registry.example.org/fleet/${name}:stable`;

const images: readonly FleetImage[] = ROWS.map((row, index) => ({
  name: row.name,
  reference: referenceOf(row.name),
  digest: sha(row.name),
  distribution: row.grade === null ? null : row.name === 'legacy-erp' ? 'debian/bullseye' : 'debian/trixie',
  base: row.base,
  level: levelOf(row.name),
  packages: row.packages,
  bytes: row.megabytes * 1_048_576 + index * 4711,
  findings: { total: row.findings[0], security: row.findings[1], advisories: row.findings[2] },
  grade: row.grade,
  unsupported: row.grade === null ? 'no package database was found' : null,
  strategy: row.strategy,
  status: row.status ?? 'released',
  builtAt: iso(40 + index * 97),
  workloads: row.workloads ?? 0,
}));

const sum = (of: (image: FleetImage) => number): number => images.reduce((total, one) => total + of(one), 0);
const graded = (grade: Grade): number => images.filter((image) => image.grade === grade).length;

export const sampleFleet: Fleet = {
  generatedAt: iso(0),
  totals: {
    images: images.length,
    outdated: images.filter((image) => image.findings.total > 0).length,
    findings: sum((image) => image.findings.total),
    security: sum((image) => image.findings.security),
    advisories: 143,
    packages: sum((image) => image.packages),
    workloads: sum((image) => image.workloads),
    grades: { A: graded('A'), B: graded('B'), C: graded('C'), D: graded('D'), E: graded('E'), F: graded('F') },
  },
  images,
};

const FINDINGS: readonly Finding[] = [
  ['openssl', '3.5.1-1', '3.5.4-1~deb13u1', true, 'critical', ['CVE-2025-9230', 'CVE-2025-9231', 'CVE-2025-9232'], 52],
  ['libssl3t64', '3.5.1-1', '3.5.4-1~deb13u1', true, 'critical', ['CVE-2025-9230', 'CVE-2025-9231'], 52],
  [
    'libxml2',
    '2.12.7+dfsg+really2.9.14-2.1',
    '2.12.7+dfsg+really2.9.14-2.1+deb13u1',
    true,
    'important',
    ['CVE-2025-49794', 'CVE-2025-49796'],
    75,
  ],
  ['curl', '8.14.1-2', '8.14.1-2+deb13u1', true, 'important', ['CVE-2025-9086', 'CVE-2025-10148'], 31],
  ['libexpat1', '2.7.1-2', '2.7.1-2+deb13u1', true, 'important', ['CVE-2025-59375'], 18],
  ['perl-base', '5.40.1-6', '5.40.1-6+deb13u1', true, 'important', ['CVE-2025-40909'], 12],
  ['base-files', '13.8', '13.8+deb13u2', false, 'other', [], 76],
  ['tzdata', '2025b-4', '2025b-4+deb13u1', false, 'other', [], 76],
  ['libc6', '2.41-12', '2.41-12+deb13u1', false, 'other', [], 20],
].map((row) => {
  const [name, installed, candidate, security, severity, advisories, days] = row as [
    string,
    string,
    string,
    boolean,
    Finding['severity'],
    string[],
    number,
  ];
  const repository = security ? 'debian/trixie-security/main/amd64' : 'debian/trixie-updates/main/amd64';
  const since = iso(days * 1440);
  const finding = {
    package: name,
    arch: 'amd64',
    installed,
    candidate,
    repository,
    security,
    severity,
    advisories,
    since,
  };
  const isEntry = /^lib(?:ssl|xml|c6)/.test(name);
  return isEntry ? { ...finding, usage: 'linked', linkedBy: 'entrypoint' } : { ...finding, usage: 'contained' };
});

const OTHER_WAYS: PlanTask['alternatives'] = [
  { strategy: 'compose', verdict: 'next', because: 'package layers that did not change are shared' },
  { strategy: 'patch', verdict: 'unfit', because: 'composing brings the same packages and keeps to the recipe' },
  { strategy: 'rebuild', verdict: 'unfit', because: 'its recipe lists packages: composing needs no builder' },
];

const TASKS: readonly PlanTask[] = (
  [
    [
      'base',
      'succeeded',
      'compose',
      'misses 6 updates (4 security): openssl 3.5.4-1~deb13u1, …; it has a recipe',
      4.2,
      null,
    ],
    ['runtime-node', 'unchanged', 'rebase', 'its base changed; the result equals what is published', 0.3, null],
    ['runtime-python', 'succeeded', 'compose', 'misses 9 updates (6 security); it has a recipe', 3.1, null],
    ['runtime-nginx', 'building', 'compose', 'misses 8 updates (6 security); it has a recipe', 1.8, null],
    [
      'runtime-postgresql',
      'failed',
      'patch',
      'misses 11 updates (7 security); it has no recipe',
      6.4,
      'BUILD_SCRIPT_FAILED: postinst of postgresql-common ended with 1',
    ],
    ['shop-api', 'succeeded', 'rebase', 'its base changes; its own layers only add files', 0.02, null],
    ['billing', 'building', 'rebase', 'its base changes; its own layers only add files', 0.01, null],
    ['mailer', 'scheduled', 'rebase', 'its base changes; its own layers only add files', null, null],
    ['shop-web', 'blocked', 'rebase', 'its base changes; its own layers only add files', null, null],
    ['status-page', 'blocked', 'rebase', 'its base changes; its own layers only add files', null, null],
    ['orders-db', 'locked', 'patch', 'its digest is quarantined', null, null],
    ['legacy-erp', 'scheduled', 'patch', 'misses 63 updates (41 security); it has no recipe', null, null],
  ] as const
).map(([image, status, strategy, because, seconds, error]) => {
  const row = ROWS.find((one) => one.name === image);
  const after = row?.base === null || row === undefined ? [] : [row.base];
  const [missing = 0, security = 0] = row?.findings ?? [];
  return {
    image,
    level: levelOf(image),
    status,
    reason: 'meta change',
    strategy,
    because,
    alternatives: strategy === 'rebase' ? OTHER_WAYS : [],
    after,
    missing,
    security,
    seconds,
    error,
  };
});

export const samplePlan: Plan = { id: 'run-17', createdAt: iso(1), status: 'running', tasks: TASKS };

function layersOf(image: FleetImage): Layers {
  const parts = [
    ['packages: libc6 and 61 more', 0.55, 62, 0.01],
    ['packages: openssl', 0.1, 3, 0.28],
    ['packages: python3.13', 0.27, 26, 0],
    ['files of the recipe', 0.08, 0, 0],
  ] as const;
  const layers = parts.map(([createdBy, share, added, wasted]) => ({
    digest: sha(`${image.name} ${createdBy}`),
    compressedBytes: Math.round(image.bytes * share),
    bytes: Math.round(image.bytes * share * 2.7),
    entries: Math.round(5200 * share),
    wastedBytes: Math.round(image.bytes * share * 2.7 * wasted),
    createdBy,
    added,
    changed: added === 3 ? 2 : 0,
    removed: 0,
  }));
  const total = (of: (layer: Layer) => number): number => layers.reduce((all, layer) => all + of(layer), 0);
  const bytes = total((layer) => layer.bytes);
  const wastedBytes = total((layer) => layer.wastedBytes);
  return {
    reference: image.reference,
    digest: image.digest,
    bytes,
    compressedBytes: total((layer) => layer.compressedBytes),
    wastedBytes,
    efficiency: (bytes - wastedBytes) / bytes,
    layers,
  };
}

function find(image: string): FleetImage {
  const found = images.find(({ name, reference, digest }) => [name, reference, digest].includes(image));
  if (found === undefined) throw httpError('HTTP_NOT_FOUND', `the fleet has no image ${image}`);
  return found;
}

const outdatedOf = (image: FleetImage): OutdatedImage => ({
  reference: image.reference,
  digest: image.digest,
  distribution: image.distribution,
  unsupported: image.unsupported,
  findings: FINDINGS.slice(0, image.findings.total),
});

/** A fleet in the middle of a run: every state that the page shows occurs in it. */
export const sampleQueries: FleetQueries = {
  fleet: async () => sampleFleet,
  totals: async () => sampleFleet.totals,
  outdated: async ({ image } = {}) => ({
    images: (image === undefined ? images : [find(image)]).map(outdatedOf),
    next: null,
  }),
  plan: async () => samplePlan,
  where: async (query) => ({ package: query.package, places: [], next: null }),
  whereFile: async () => ({
    places: [],
    next: null,
    unread: { images: 0, unhashedLayers: 0, layersWithoutNames: 0 },
  }),
  whereDigest: async () => ({ places: [], next: null }),
  whereAdvisory: async ({ advisory }) => ({ advisory, places: [], next: null }),
  history: async ({ image }) => ({ reference: find(image).reference, images: [], next: null }),
  changes: async ({ from, to }) => ({
    from,
    to,
    references: { added: 0, removed: 0, changed: 0 },
    packages: [],
    next: null,
  }),
  moved: async () => ({ references: [], next: null }),
  sources: async () => ({ sources: [] }),
  base: async (image) => ({ image: find(image).reference, base: null }),
  explain: async ({ image }) => ({ image: find(image).name, reference: find(image).reference, builds: [], next: null }),
  layers: async (image) => layersOf(find(image)),
  diff: async (from, to) => ({
    from,
    to,
    identical: from === to,
    sharedLayers: 0,
    packages: [],
    files: null,
    config: [],
  }),
  workloads: async () => ({ workloads: [], clusters: [] }),
};

/** Events in memory that tests add to. */
export function memoryEventStream(): EventStream & { push(type: string, subject: string, data: unknown): void } {
  const events: EventRecord[] = [];
  const wakes = new Set<() => void>();
  return {
    read: async (after, limit) => events.filter(({ sequence }) => sequence > after).slice(0, limit),
    last: async () => events.length,
    subscribe: async (wake) => {
      wakes.add(wake);
      return async () => void wakes.delete(wake);
    },
    push(type, subject, data) {
      const sequence = events.length + 1;
      const id = sha(`${type} ${subject} ${sequence}`).slice(7, 23);
      const time = iso(Math.max(0, 12 - sequence));
      const source = '/heraklit/sample';
      const kind = `io.heraklit.${type}`;
      events.push({
        specversion: '1.0',
        id,
        source,
        type: kind,
        subject,
        time,
        datacontenttype: 'application/json',
        data,
        sequence,
      });
      for (const wake of wakes) wake();
    },
  };
}

/** What a run has announced so far. */
export function pushSampleEvents(stream: ReturnType<typeof memoryEventStream>): void {
  stream.push('repository.updated', 'debian/trixie-security/main/amd64', { packages: 14 });
  stream.push('image.outdated', referenceOf('base'), { findings: 6, security: 4 });
  stream.push('image.outdated', referenceOf('runtime-python'), { findings: 9, security: 6 });
  stream.push('image.built', referenceOf('base'), { strategy: 'compose', digest: sha('base') });
  stream.push('image.verified', referenceOf('base'), { tests: 5 });
  stream.push('image.published', referenceOf('base'), { digest: sha('base') });
  stream.push('image.unchanged', referenceOf('runtime-node'), {});
  stream.push('image.quarantined', referenceOf('orders-db'), { reason: 'health check failed' });
  stream.push('image.rolledback', referenceOf('orders-db'), { to: sha('old') });
  stream.push('image.released', referenceOf('shop-api'), { digest: sha('shop-api') });
}

/** For who only looks at the routes. */
const nothing = (): never => {
  throw new Error('nobody looks after a registry here');
};
export const noHosts: HostReports = { report: nothing, hosts: nothing, running: nothing };

export const noMaintenance: RegistryMaintenance = {
  collect: nothing,
  verify: nothing,
  retain: nothing,
  usage: nothing,
};
