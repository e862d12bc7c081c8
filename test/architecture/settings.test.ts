/** Every setting that a schema accepts is read somewhere: accepted and ignored would be a lie to the author of the file. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const ROOT = new URL('../../', import.meta.url);

interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
}

/** `rollout.workloads[].image`; `distributions{}.mirrors` where the keys are names. Constants say nothing to read. */
function settings(schema: Schema, root: Schema, path = ''): readonly string[] {
  const here = schema.$ref === undefined ? schema : (root.$defs?.[schema.$ref.split('/').at(-1) ?? ''] ?? {});
  const own = Object.entries(here.properties ?? {}).flatMap(([name, value]) => {
    const at = path === '' ? name : `${path}.${name}`;
    return value.const === undefined ? [at, ...settings(value, root, at)] : [];
  });
  const items = here.items === undefined ? [] : settings(here.items, root, `${path}[]`);
  const named =
    typeof here.additionalProperties === 'object' ? settings(here.additionalProperties, root, `${path}{}`) : [];
  return [...own, ...items, ...named];
}

/** Setting → file outside the schema and its types, and the words that read it there. */
type Readers = Readonly<Record<string, readonly [file: string, words: string]>>;

const under = (prefix: string, readers: Readers): Readers =>
  Object.fromEntries(Object.entries(readers).map(([name, reader]) => [`${prefix}.${name}`, reader]));

const PLAN = 'src/verify/suite/plan.ts';
const RUN = 'src/verify/suite/run-suite.ts';
const READY = 'src/verify/suite/readiness.ts';
const STEPS = 'src/verify/suite/steps';
const LOADED = 'src/verify/suite/load-suite.ts';
/** Names that one line of a file reads together. */
const together = (file: string, words: string, names: readonly string[]): Readers =>
  Object.fromEntries(names.map((name) => [name, [file, words] as const]));
const LIMITS: Readers = { memory: [PLAN, 'own.memory'], cpus: [PLAN, 'own.cpus'], pids: [PLAN, 'own.pids'] };
const CONTAINER: Readers = {
  ...together(PLAN, '{ image, command, entrypoint, user, workdir } = settings', [
    'command',
    'entrypoint',
    'user',
    'workdir',
  ]),
  environment: [PLAN, 'settings.environment'],
  limits: [PLAN, 'settings.limits'],
  ...under('limits', LIMITS),
};
const PART: Readers = {
  ...CONTAINER,
  tmpfs: [PLAN, 'settings.tmpfs'],
  volumes: [PLAN, 'settings.volumes'],
  ...together(READY, '{ tcp, http, exec, log } = ready', ['ready.tcp', 'ready.http', 'ready.exec', 'ready.log']),
  ...together(READY, '{ ...http, service: name }', ['ready.http.port', 'ready.http.path', 'ready.http.status']),
  'ready.within': [RUN, 'ready.within'],
};
const TEXT: Readers = {
  contains: [`${STEPS}/exec.ts`, 'wanted.contains'],
  matches: [`${STEPS}/exec.ts`, 'wanted.matches'],
};
const STEP: Readers = {
  name: ['src/verify/suite/step-name.ts', 'step.name'],
  within: [RUN, 'step.within'],
  ...together(RUN, '{ http, tcp, exec, log, test, run } = step', ['http', 'tcp', 'exec', 'log', 'test', 'run']),
  ...under('http', {
    port: [`${STEPS}/http.ts`, 'step.port'],
    retries: [`${STEPS}/http.ts`, 'step.retries'],
    ...together(`${STEPS}/http.ts`, '{ status, contains, matches, json } = step', [
      'status',
      'contains',
      'matches',
      'json',
    ]),
    ...together(`${STEPS}/http.ts`, "{ path = '/', method = 'GET', headers = {}, body, service = CANDIDATE } = step", [
      'path',
      'method',
      'headers',
      'body',
      'service',
    ]),
  }),
  ...under(
    'tcp',
    together(`${STEPS}/tcp.ts`, '{ service = CANDIDATE, port, send, expect } = step', [
      'service',
      'port',
      'send',
      'expect',
    ]),
  ),
  ...under('exec', {
    ...together(`${STEPS}/exec.ts`, '{ command, service = CANDIDATE, user, status = 0 } = step', [
      'command',
      'service',
      'user',
      'status',
    ]),
    stdout: [`${STEPS}/exec.ts`, 'step.stdout'],
    stderr: [`${STEPS}/exec.ts`, 'step.stderr'],
    ...under('stdout', TEXT),
    ...under('stderr', TEXT),
  }),
  ...under(
    'log',
    together(`${STEPS}/log.ts`, '{ service = CANDIDATE, matches, absent } = step', ['service', 'matches', 'absent']),
  ),
  ...under('test', {
    image: [PLAN, 'test.image'],
    ...Object.fromEntries(Object.entries(CONTAINER).filter(([name]) => name !== 'workdir')),
    status: [RUN, 'test?.status'],
  }),
  ...under('run', together(RUN, '{ command, environment } = run', ['command', 'environment'])),
};
const JOB = 'src/verify/runner/kubernetes/job-body.ts';
const VERIFY: Readers = {
  kubernetes: ['src/engine/adapters/verify.ts', 'wanted?.kubernetes'],
  ...under('kubernetes', {
    namespace: ['src/cli/fleet-clusters.ts', 'tests.namespace'],
    cluster: ['src/cli/fleet-clusters.ts', 'name === cluster'],
    registry: ['src/engine/adapters/verify.ts', 'cluster?.registry'],
    ...together(JOB, '{ pullSecret, nodeSelector, runtimeClass } = placement', [
      'pullSecret',
      'nodeSelector',
      'runtimeClass',
    ]),
  }),
  timeout: ['src/verify/smoke.ts', 'checks.timeout'],
  commands: ['src/verify/smoke.ts', 'checks.commands'],
  http: ['src/verify/smoke.ts', '{ http } = checks'],
  'http.port': ['src/verify/smoke.ts', "{ path = '/', port, status } = http"],
  'http.path': ['src/verify/smoke.ts', "{ path = '/', port, status } = http"],
  'http.status': ['src/verify/smoke.ts', "{ path = '/', port, status } = http"],
  tests: [LOADED, '{ tests, allow = [], kubernetes: _, ...own } = checks'],
  allow: [LOADED, '{ tests, allow = [], kubernetes: _, ...own } = checks'],
  compose: [LOADED, 'suite.compose'],
  limits: [PLAN, 'suite.limits'],
  ...under('limits', LIMITS),
  services: [PLAN, 'suite.services'],
  ...under('services{}', {
    ...PART,
    image: [PLAN, 'settings;'],
    needs: [PLAN, 'service.needs'],
    ready: [PLAN, 'service.ready'],
  }),
  candidate: [PLAN, '{ candidate = {} } = suite'],
  ...under('candidate', { ...PART, ports: [PLAN, 'candidate.ports'], ready: [PLAN, 'candidate.ready'] }),
  steps: [PLAN, 'steps = []'],
  ...under('steps[]', STEP),
};

const LOOK = 'src/engine/adapters/fleet-sources.ts';
const GIT = 'src/source/sources.ts';
const CREDENTIALS = 'src/source/git/credentials.ts';
const SOURCE: Readers = {
  git: [LOOK, '{ git, archive, folder } = named'],
  'git.url': [GIT, 'git.url'],
  'git.ref': [GIT, 'git.ref'],
  'git.path': [GIT, 'git.path'],
  'git.submodules': ['src/source/git/read-git.ts', 'git.submodules'],
  'git.credentials': [LOOK, '{ credentials, caFile, ...rest } = git'],
  'git.credentials.username': [CREDENTIALS, '{ username = DEFAULT_USER, passwordFile, passwordEnv, helper }'],
  'git.credentials.passwordFile': [CREDENTIALS, '{ username = DEFAULT_USER, passwordFile, passwordEnv, helper }'],
  'git.credentials.passwordEnv': [CREDENTIALS, '{ username = DEFAULT_USER, passwordFile, passwordEnv, helper }'],
  'git.credentials.helper': [CREDENTIALS, '{ username = DEFAULT_USER, passwordFile, passwordEnv, helper }'],
  'git.credentials.sshKeyFile': [CREDENTIALS, 'credentials?.sshKeyFile'],
  'git.credentials.knownHostsFile': [CREDENTIALS, 'credentials?.knownHostsFile'],
  'git.caFile': [GIT, 'git.caFile'],
  'git.insecure': [GIT, 'git.insecure'],
  archive: [LOOK, '{ git, archive, folder } = named'],
  'archive.location': [GIT, 'archive.location'],
  'archive.sha256': [GIT, '{ sha256, location } = archive'],
  'archive.path': [GIT, 'archive.path'],
  folder: [LOOK, '{ git, archive, folder } = named'],
};

const NAMED = 'src/engine/workshop/named-repositories.ts';
const REPOSITORY: Readers = Object.fromEntries(
  ['name', 'urls', 'security', 'keys', 'trusted'].map((name) => [
    name,
    [NAMED, '{ name, urls, keys = [], security = false, trusted = false }'],
  ]),
);

const HOSTS = 'src/cli/engine-hosts.ts';
const THRESHOLDS = ['src/inventory/grade-policy.ts', '...grades[threshold.grade'] as const;
const AGES: readonly string[] = ['', '.critical', '.important'];
const GRADES: Readers = Object.fromEntries(
  ['B', 'C', 'D'].flatMap((grade) => AGES.map((age) => [`${grade}${age}`, THRESHOLDS] as const)),
);

const ANALYSIS_LIMITS = ['warmup', 'interval', 'count', 'failureLimit', 'inconclusiveLimit', 'onInconclusive'];
const AUTH_SECRETS = ['tokenEnv', 'tokenFile', 'passwordEnv', 'passwordFile', 'username', 'header'];
const ENDPOINT: Readers = {
  url: ['src/analysis/gauge.ts', 'function checkUrl({ url }'],
  auth: ['src/analysis/ask.ts', 'endpoint.auth'],
  ...Object.fromEntries(AUTH_SECRETS.map((name) => [`auth.${name}`, ['src/analysis/auth.ts', `auth.${name}`]])),
  ...Object.fromEntries(
    ['caFile', 'certFile', 'keyFile', 'insecure'].map((name) => [
      name,
      ['src/analysis/ask.ts', '{ caFile, certFile, keyFile, insecure }: Endpoint'],
    ]),
  ),
  timeout: ['src/analysis/ask.ts', 'question.endpoint.timeout'],
};
const ANALYSIS: Readers = {
  ...Object.fromEntries(ANALYSIS_LIMITS.map((name) => [name, ['src/analysis/tally.ts', `settings.${name}`]])),
  metrics: ['src/analysis/analyser.ts', 'settings.metrics'],
  'metrics[].name': ['src/analysis/analyser.ts', 'metric.name'],
  'metrics[].prometheus': ['src/analysis/gauge.ts', '{ prometheus, http, logs } = metric'],
  ...under('metrics[].prometheus', ENDPOINT),
  'metrics[].prometheus.query': ['src/analysis/gauge.ts', 'source.query'],
  'metrics[].prometheus.samples': ['src/analysis/gauge.ts', 'source.samples'],
  'metrics[].prometheus.samples.query': ['src/analysis/gauge.ts', 'source.samples.query'],
  'metrics[].prometheus.samples.min': ['src/analysis/gauge.ts', 'source.samples?.min'],
  'metrics[].http': ['src/analysis/gauge.ts', '{ prometheus, http, logs } = metric'],
  ...under('metrics[].http', ENDPOINT),
  'metrics[].http.pointer': ['src/analysis/gauge.ts', 'source.pointer'],
  'metrics[].http.samples': ['src/analysis/gauge.ts', 'source.samples'],
  'metrics[].http.samples.pointer': ['src/analysis/gauge.ts', 'source.samples.pointer'],
  'metrics[].http.samples.min': ['src/analysis/gauge.ts', 'source.samples?.min'],
  'metrics[].logs': ['src/analysis/gauge.ts', '{ prometheus, http, logs } = metric'],
  'metrics[].logs.pattern': ['src/analysis/gauge.ts', '{ pattern, window = DEFAULT_WINDOW }'],
  'metrics[].logs.window': ['src/analysis/gauge.ts', '{ pattern, window = DEFAULT_WINDOW }'],
  'metrics[].restarts': ['src/analysis/gauge.ts', 'restartGauge'],
  'metrics[].min': ['src/analysis/judge.ts', 'checks.min'],
  'metrics[].max': ['src/analysis/judge.ts', 'checks.max'],
  'metrics[].compare': ['src/analysis/judge.ts', 'checks.compare'],
  ...Object.fromEntries(
    ['worse', 'factor', 'difference'].map((name) => [
      `metrics[].compare.${name}`,
      ['src/analysis/judge.ts', "{ worse = 'higher', factor, difference }: Comparison"],
    ]),
  ),
};

const OF_FLEET = 'src/rollout/plan/of-fleet.ts';
const PLANNED_WORKLOAD = '{ workload, container, deadline, health, strategy }: FleetWorkload';
const ZONES = 'src/rollout/plan/zones.ts';
const WINDOWS = 'src/rollout/plan/windows.ts';
const WINDOW: Readers = {
  days: [WINDOWS, 'window.days'],
  from: [WINDOWS, 'window.from'],
  to: [WINDOWS, 'window.to'],
  cron: [WINDOWS, 'window.cron'],
  duration: [WINDOWS, 'window.duration'],
  timeZone: [WINDOWS, "{ timeZone = 'UTC' }"],
};

const FLEET: Readers = {
  signing: ['src/cli/fleet-setup.ts', 'document.signing'],
  'signing.key': ['src/cli/fleet-setup.ts', '{ key, passphraseFile, trust = [] }'],
  'signing.passphraseFile': ['src/cli/fleet-setup.ts', '{ key, passphraseFile, trust = [] }'],
  'signing.trust': ['src/cli/fleet-setup.ts', '{ key, passphraseFile, trust = [] }'],
  'signing.builder': ['src/engine/adapters/signing.ts', 'settings.builder'],
  'signing.sbom': ['src/engine/adapters/signing.ts', 'settings.sbom'],
  'signing.bundles': ['src/engine/adapters/signing.ts', 'settings.bundles'],
  'registry.storage': ['src/cli/fleet-setup.ts', 'registry?.storage'],
  name: ['src/engine/adapters/load-fleet.ts', 'document.name'],
  distributions: ['src/cli/fleet-setup.ts', 'document.distributions'],
  'distributions{}.mirrors': [
    'src/engine/workshop/workshop.ts',
    '{ mirrors = [], securityMirrors = [] } = distribution',
  ],
  'distributions{}.securityMirrors': [
    'src/engine/workshop/workshop.ts',
    '{ mirrors = [], securityMirrors = [] } = distribution',
  ],
  'distributions{}.snapshotMirror': ['src/engine/workshop/workshop.ts', '?.snapshotMirror'],
  'distributions{}.pockets': ['src/engine/workshop/workshop.ts', 'settings.pockets'],
  'distributions{}.components': [
    'src/engine/workshop/workshop.ts',
    '{ components, trusted, keys, repositories: named }',
  ],
  'distributions{}.trusted': ['src/engine/workshop/workshop.ts', '{ components, trusted, keys, repositories: named }'],
  'distributions{}.repositories': [
    'src/engine/workshop/workshop.ts',
    '{ components, trusted, keys, repositories: named }',
  ],
  ...under('distributions{}.repositories[]', REPOSITORY),
  'distributions{}.keys': ['src/engine/workshop/workshop.ts', '{ components, trusted, keys, repositories: named }'],
  images: ['src/engine/adapters/load-fleet.ts', 'document.images'],
  'images[].name': ['src/engine/adapters/load-fleet.ts', 'entry.name'],
  'images[].recipe': ['src/engine/adapters/load-fleet.ts', 'entry.recipe'],
  'images[].dockerfile': ['src/engine/adapters/fleet-dockerfiles.ts', 'entry.dockerfile'],
  'images[].strategies': ['src/engine/run-fleet.ts', '({ strategies }, at)'],
  'images[].kiwi': ['src/engine/adapters/fleet-descriptions.ts', 'entry.kiwi'],
  'images[].upstream': ['src/engine/adapters/load-fleet.ts', 'entry.upstream'],
  ...Object.fromEntries(
    ['allow', 'timeout', 'memory', 'processes'].map((name) => [
      `images[].build.${name}`,
      ['src/engine/adapters/fleet-dockerfiles.ts', '{ allow = [], timeout, memory, processes } = build'],
    ]),
  ),
  'images[].build.profiles': ['src/engine/adapters/fleet-descriptions.ts', 'entry.build?.profiles'],
  'images[].build': ['src/engine/adapters/fleet-dockerfiles.ts', 'entry.build'],
  ...Object.fromEntries(
    ['context', 'args', 'target'].map((name) => [
      `images[].build.${name}`,
      ['src/engine/adapters/fleet-dockerfiles.ts', '{ context, args = {}, target } = entry.build'],
    ]),
  ),
  ...under('images[].source', SOURCE),
  'images[].source': ['src/engine/adapters/fleet-sources.ts', 'entry.source'],
  forges: ['src/cli/fleet-sources.ts', 'document.forges'],
  ...under(
    'forges[]',
    Object.fromEntries(
      ['type', 'url', 'api', 'tokenFile', 'webhookSecretFile'].map((name) => [
        name,
        ['src/cli/fleet-sources.ts', '{ type, url, api, tokenFile, webhookSecretFile }'],
      ]),
    ),
  ),
  'images[].verify': ['src/engine/adapters/verify.ts', 'entry.verify'],
  ...under('images[].verify', VERIFY),
  registry: ['src/engine/run-fleet.ts', 'document.registry'],
  'registry.push': ['src/engine/adapters/push.ts', '{ push, insecure = false, replicas = [] } = registry'],
  'registry.collect': [
    'src/cli/keep-registry-small.ts',
    '{ collect, retention: rules = [] } = fleet.document.registry',
  ],
  'registry.collect.interval': ['src/cli/keep-registry-small.ts', '{ interval = DEFAULT_INTERVAL, grace } = collect'],
  'registry.collect.grace': ['src/cli/keep-registry-small.ts', '{ interval = DEFAULT_INTERVAL, grace } = collect'],
  'registry.limits': ['src/cli/registry-limits.ts', '{ limits: named = {}, quotas = [] }'],
  'registry.limits.manifestBytes': ['src/cli/registry-limits.ts', "'manifestBytes',"],
  'registry.limits.blobBytes': ['src/cli/registry-limits.ts', "'blobBytes',"],
  'registry.limits.uploads': ['src/cli/registry-limits.ts', "'uploads',"],
  'registry.limits.uploadExpiry': ['src/cli/registry-limits.ts', "'uploadExpiry',"],
  'registry.limits.bodyIdle': ['src/cli/registry-limits.ts', "'bodyIdle',"],
  'registry.limits.bodyBytes': ['src/cli/registry-limits.ts', "'bodyBytes',"],
  'registry.limits.reserveBytes': ['src/cli/registry-limits.ts', "'reserveBytes',"],
  'registry.limits.repositories': ['src/cli/registry-limits.ts', "'repositories',"],
  'registry.limits.connections': ['src/cli/registry-limits.ts', "'connections',"],
  'registry.quotas': ['src/cli/registry-limits.ts', '{ limits: named = {}, quotas = [] }'],
  'registry.quotas[].repositories': ['src/registry/quota/quota.ts', 'rule.repositories'],
  'registry.quotas[].bytes': ['src/registry/quota/quota.ts', 'rule.bytes'],
  'registry.quotas[].tags': ['src/registry/quota/quota.ts', 'rule.tags'],
  'registry.quotas[].per': ['src/registry/quota/quota.ts', 'rule.per'],
  'registry.retention': ['src/cli/keep-registry-small.ts', 'retention: rules'],
  'registry.retention[].repositories': ['src/registry/retention/rules.ts', 'rule.repositories'],
  'registry.retention[].newest': ['src/registry/retention/decide.ts', '{ newest = 0, newerThan, tags = [] } = rule'],
  'registry.retention[].newerThan': ['src/registry/retention/decide.ts', '{ newest = 0, newerThan, tags = [] } = rule'],
  'registry.retention[].tags': ['src/registry/retention/decide.ts', '{ newest = 0, newerThan, tags = [] } = rule'],
  'registry.retention[].running': ['src/registry/retention/decide.ts', 'rule.running'],
  'registry.retention[].released': ['src/registry/retention/decide.ts', 'rule.released'],
  'registry.retention[].lineage': ['src/registry/retention/decide.ts', 'rule.lineage'],
  'registry.retention[].untagged': ['src/registry/retention/decide.ts', 'rule.untagged'],
  'registry.insecure': ['src/engine/adapters/push.ts', '{ push, insecure = false, replicas = [] } = registry'],
  'registry.replicas': ['src/engine/adapters/push.ts', '{ push, insecure = false, replicas = [] } = registry'],
  'registry.replicas[].to': ['src/engine/adapters/push.ts', '{ to, insecure = false, images }: FleetReplica'],
  'registry.replicas[].images': ['src/engine/adapters/push.ts', '{ to, insecure = false, images }: FleetReplica'],
  'registry.replicas[].insecure': ['src/engine/adapters/push.ts', '{ to, insecure = false, images }: FleetReplica'],
  access: ['src/cli/serve-access.ts', 'document.access'],
  'access.url': ['src/cli/serve-access.ts', 'settings.url'],
  'access.tls': ['src/cli/serve-access.ts', 'settings.tls'],
  'access.tls.cert': ['src/cli/serve-access.ts', 'tls?.cert'],
  'access.tls.key': ['src/cli/serve-access.ts', 'tls?.key'],
  'access.tls.clientCa': ['src/cli/serve-access.ts', 'tls?.clientCa'],
  'access.requestsPerSecond': ['src/cli/serve-access.ts', 'settings.requestsPerSecond'],
  'access.auditDays': ['src/cli/serve-access.ts', 'settings.auditDays'],
  'access.oidc': ['src/cli/serve-access.ts', 'settings.oidc'],
  'access.oidc.issuer': ['src/access/oidc/provider.ts', 'settings.issuer'],
  'access.oidc.clientId': ['src/access/oidc/provider.ts', '{ clientId, clientSecret'],
  'access.oidc.clientSecretFile': ['src/cli/serve-access.ts', '{ clientSecretFile, ...plain } = settings.oidc'],
  'access.oidc.name': ['src/access/oidc/provider.ts', 'settings.name'],
  'access.oidc.scope': ['src/access/oidc/provider.ts', 'settings.scope'],
  'access.oidc.nameClaim': ['src/access/oidc/provider.ts', 'settings.nameClaim'],
  'access.oidc.groupsClaim': ['src/access/oidc/provider.ts', 'settings.groupsClaim'],
  'access.grants': ['src/cli/serve-access.ts', 'settings.grants'],
  'access.grants[].to': ['src/cli/serve-access.ts', "{ to, role, on = '**' }"],
  'access.grants[].role': ['src/cli/serve-access.ts', "{ to, role, on = '**' }"],
  'access.grants[].on': ['src/cli/serve-access.ts', "{ to, role, on = '**' }"],
  'registry.mirrors': ['src/cli/serve-http.ts', 'registry?.mirrors'],
  'registry.mirrors[].prefix': ['src/registry/mirror/rules.ts', '{ prefix, upstream } of rules'],
  'registry.mirrors[].upstream': ['src/registry/mirror/rules.ts', '{ prefix, upstream } of rules'],
  'registry.mirrors[].maxAge': ['src/cli/serve-http.ts', '{ maxAge, ...rule }: FleetMirror'],
  'registry.mirrors[].insecure': ['src/registry/mirror/create-mirror.ts', 'target.rule.insecure'],
  events: ['src/cli/commands/serve.ts', 'document.events'],
  'events.amqp': ['src/cli/commands/serve.ts', 'events.amqp'],
  'events.exchange': ['src/cli/commands/serve.ts', 'events.exchange'],
  'events.namespace': ['src/cli/commands/serve.ts', 'events.namespace'],
  'events.retentionDays': ['src/cli/prune-events.ts', 'events?.retentionDays'],
  verify: ['src/engine/adapters/verify.ts', 'document.verify'],
  ...under('verify', VERIFY),
  rollout: [OF_FLEET, '{ rollout = {}, zones = [] }'],
  'rollout.deadline': [OF_FLEET, 'rollout.deadline'],
  'rollout.workloads': [OF_FLEET, 'rollout.workloads'],
  'rollout.workloads[].image': [OF_FLEET, 'one.image === image'],
  'rollout.workloads[].workload': [OF_FLEET, PLANNED_WORKLOAD],
  'rollout.workloads[].container': [OF_FLEET, PLANNED_WORKLOAD],
  'rollout.workloads[].strategy': [OF_FLEET, PLANNED_WORKLOAD],
  'rollout.strategy': [OF_FLEET, 'rollout.strategy'],
  'rollout.batch': [OF_FLEET, '{ batch = 1, windows = [], stages } = rollout'],
  'rollout.stages': [OF_FLEET, '{ batch = 1, windows = [], stages } = rollout'],
  'rollout.windows': [OF_FLEET, '{ batch = 1, windows = [], stages } = rollout'],
  ...under(
    'rollout.stages[]',
    Object.fromEntries(
      ['name', 'tag', 'soak', 'zone', 'workloads', 'clusters', 'namespaces'].map((name) => [
        name,
        [OF_FLEET, '{ name, tag = name, soak = 0, zone, workloads, clusters, namespaces, ...stage }'],
      ]),
    ),
  ),
  'rollout.stages[].approval': [OF_FLEET, 'stage.approval'],
  'rollout.stages[].approvals': [OF_FLEET, 'stage.approvals'],
  'rollout.stages[].batch': [OF_FLEET, 'stage.batch'],
  'rollout.stages[].windows': [OF_FLEET, 'stage.windows'],
  ...under('rollout.windows[]', WINDOW),
  ...under('rollout.stages[].windows[]', WINDOW),
  'rollout.emergency': ['src/engine/adapters/rollout.ts', 'rollout?.emergency'],
  'rollout.approvers': [OF_FLEET, 'rollout.approvers'],
  zones: [OF_FLEET, 'zones = []'],
  'zones[].name': [ZONES, 'zone.name'],
  'zones[].clusters': [ZONES, 'clusters = []'],
  'zones[].namespaces': [ZONES, 'namespaces = []'],
  'zones[].hosts': [ZONES, 'hosts = []'],
  'zones[].git': [ZONES, 'git: repositories = []'],
  'zones[].to': [ZONES, 'to?.includes'],
  'zones[].registry': ['src/engine/adapters/deliver-zone.ts', '({ registry }'],
  ...under(
    'zones[].registry',
    Object.fromEntries(
      ['endpoint', 'insecure', 'username', 'passwordFile'].map((name) => [
        name,
        [
          'src/engine/adapters/deliver-zone.ts',
          '{ endpoint: to, insecure = false, username, passwordFile } = registry',
        ],
      ]),
    ),
  ),
  'rollout.workloads[].grades': ['src/cli/grading.ts', '{ workload, grades }'],
  ...under('rollout.workloads[].grades', GRADES),
  'rollout.workloads[].deadline': [OF_FLEET, PLANNED_WORKLOAD],
  'rollout.workloads[].health': [OF_FLEET, PLANNED_WORKLOAD],
  'rollout.workloads[].health.kind': ['src/runtime/engine-host/health.ts', 'health.kind'],
  'rollout.workloads[].health.port': ['src/runtime/engine-host/health.ts', 'health.port'],
  'rollout.workloads[].health.path': ['src/runtime/engine-host/health.ts', 'health.path'],
  'rollout.workloads[].health.successes': ['src/runtime/engine-host/health.ts', 'health.successes'],
  'rollout.helm': ['src/cli/fleet-clusters.ts', '{ helm = true, charts } = rollout'],
  'rollout.charts': ['src/cli/fleet-clusters.ts', '{ helm = true, charts } = rollout'],
  'rollout.maxAge': ['src/cli/keep-fleet-fresh.ts', '{ maxAge, workloads } = rollout'],
  'rollout.workloads[].maxAge': ['src/cli/keep-fleet-fresh.ts', 'one.maxAge'],
  'rollout.analysis': ['src/engine/adapters/analysis.ts', '{ analysis, workloads = [] } = rollout'],
  ...under('rollout.analysis', ANALYSIS),
  'rollout.workloads[].analysis': ['src/engine/adapters/analysis.ts', 'one.analysis'],
  ...under('rollout.workloads[].analysis', ANALYSIS),
  'rollout.git': ['src/cli/gitops-runtimes.ts', 'rollout?.git'],
  ...under(
    'rollout.git[]',
    Object.fromEntries(
      ['name', 'branch', 'write', 'writers', 'author', 'signingKeyFile'].map((name) => [
        name,
        [
          'src/cli/gitops-runtimes.ts',
          "{ name, branch, write = 'commit', writers = 'leave', author, signingKeyFile, ...git }",
        ],
      ]),
    ),
  ),
  'rollout.git[].author.name': ['src/gitops/branch.ts', 'author.name'],
  'rollout.git[].author.email': ['src/gitops/branch.ts', 'author.email'],
  ...under(
    'rollout.git[]',
    Object.fromEntries(
      Object.entries(SOURCE)
        .filter(([name]) => name.startsWith('git.') && !/\.(?:ref|submodules)$/.test(name))
        .map(([name, reader]) => [name.slice('git.'.length), reader]),
    ),
  ),
  policy: ['src/engine/run-fleet.ts', 'document.policy'],
  'policy.interval': ['src/cli/serve-loop.ts', 'policy?.interval'],
  'policy.securityOnly': ['src/engine/run-fleet.ts', 'policy?.securityOnly'],
  hosts: [HOSTS, 'document.hosts'],
  'hosts[].name': [HOSTS, '{ name, endpoint, dockerContext, podmanConnection, insecure, ...files } = host'],
  'hosts[].endpoint': [HOSTS, '{ name, endpoint, dockerContext, podmanConnection, insecure, ...files } = host'],
  'hosts[].dockerContext': [HOSTS, '{ name, endpoint, dockerContext, podmanConnection, insecure, ...files } = host'],
  'hosts[].podmanConnection': [HOSTS, '{ name, endpoint, dockerContext, podmanConnection, insecure, ...files } = host'],
  'hosts[].insecure': [HOSTS, '{ name, endpoint, dockerContext, podmanConnection, insecure, ...files } = host'],
  'hosts[].sshKeyFile': [HOSTS, 'files.sshKeyFile'],
  'hosts[].knownHostsFile': [HOSTS, 'files.knownHostsFile'],
  'hosts[].caFile': [HOSTS, 'files.caFile'],
  'hosts[].certFile': [HOSTS, 'files.certFile'],
  'hosts[].keyFile': [HOSTS, 'files.keyFile'],
  sources: ['src/cli/crawl-loop.ts', 'document.sources'],
  clusters: ['src/cli/cluster-loop.ts', 'fleet?.document.clusters'],
  'clusters[].name': ['src/cli/cluster-loop.ts', 'name, kubeconfig, context, namespaces }: FleetCluster'],
  'clusters[].kubeconfig': ['src/cli/cluster-loop.ts', 'name, kubeconfig, context, namespaces }: FleetCluster'],
  'clusters[].context': ['src/cli/cluster-loop.ts', 'name, kubeconfig, context, namespaces }: FleetCluster'],
  'clusters[].namespaces': ['src/cli/cluster-loop.ts', 'name, kubeconfig, context, namespaces }: FleetCluster'],
  'clusters[].rollout': ['src/cli/fleet-clusters.ts', '{ rollout }) => rollout'],
  'sources[].registry': ['src/cli/crawl-loop.ts', 'source.registry'],
  'sources[].engine': ['src/cli/crawl-loop.ts', 'source.engine'],
  'sources[].kubernetes': ['src/cli/crawl-loop.ts', 'source.kubernetes'],
  'sources[].folder': ['src/cli/crawl-loop.ts', 'source.folder'],
  'sources[].repositories': ['src/cli/crawl-loop.ts', 'source.repositories'],
  'sources[].tags': ['src/cli/crawl-loop.ts', 'source.tags'],
  'sources[].insecure': ['src/cli/crawl-loop.ts', 'source.insecure'],
  'sources[].kubeconfig': ['src/cli/crawl-loop.ts', 'source.kubeconfig'],
  'sources[].namespaces': ['src/cli/crawl-loop.ts', 'source.namespaces'],
  'sources[].platform': ['src/cli/crawl-loop.ts', 'source.platform'],
  'sources[].interval': ['src/cli/crawl-loop.ts', 'source.interval'],
  'sources[].concurrency': ['src/cli/crawl-loop.ts', 'source.concurrency'],
  advisories: ['src/cli/fleet-advisories.ts', 'document.advisories'],
  'advisories[].location': ['src/cli/fleet-advisories.ts', '{ location, type, distribution }: FleetAdvisories'],
  'advisories[].type': ['src/cli/fleet-advisories.ts', '{ location, type, distribution }: FleetAdvisories'],
  'advisories[].distribution': ['src/cli/fleet-advisories.ts', '{ location, type, distribution }: FleetAdvisories'],
  'policy.grades': ['src/inventory/grade-policy.ts', '{ grades = {}, endOfSupport = {} } = settings'],
  ...under('policy.grades', GRADES),
  'policy.endOfSupport': ['src/inventory/grade-policy.ts', '{ grades = {}, endOfSupport = {} } = settings'],
  'policy.strategies': ['src/engine/run-fleet.ts', 'policy?.strategies'],
};

function check(kind: string, readers: Readers): void {
  const schema = JSON.parse(readFileSync(new URL(`schemas/${kind}.schema.json`, ROOT), 'utf8')) as Schema;
  const found = settings(schema, schema);
  const missing = found.filter((setting) => readers[setting] === undefined);
  assert.deepEqual(
    missing,
    [],
    'settings that nothing is known to read: wire or refuse them, then name the reader here',
  );
  assert.deepEqual(
    Object.keys(readers).filter((setting) => !found.includes(setting)),
    [],
    'no longer in the schema',
  );
  for (const [setting, [file, words]] of Object.entries(readers)) {
    assert.ok(readFileSync(new URL(file, ROOT), 'utf8').includes(words), `${setting}: ${file} no longer says ${words}`);
  }
}

test('every setting of a fleet file is read', () => check('fleet', FLEET));

test('every setting of a recipe is named by code that is not its schema or type', () => {
  const schema = JSON.parse(readFileSync(new URL('schemas/recipe.schema.json', ROOT), 'utf8')) as Schema;
  const files = ['engine/workshop/recipe-repositories'];
  const folders = [
    'lock',
    'compose',
    'resolve',
    'asks',
    'requests',
    'timezone',
    'checks',
    'file-check',
    'certificates',
    'lock-for',
    'top-layer',
    'image-config',
    'recipe-files',
    'users',
    'platforms',
    'types',
  ];
  const code = [...folders.map((name) => `build/compose/${name}`), ...files]
    .map((name) => readFileSync(new URL(`src/${name}.ts`, ROOT), 'utf8'))
    .join('\n');
  const unread = settings(schema, schema).filter((setting) => {
    const name = setting.split('.').at(-1) ?? '';
    return !new RegExp(`\\b${name}\\b`).test(code);
  });
  assert.deepEqual(unread, []);
});
