import {
  CANDIDATE,
  type ComposeFile,
  type ComposeHealthcheck,
  type ComposePort,
  type ComposeService,
  type ComposeVolume,
  type TestReady,
  type TestSuite,
} from '../../recipe/index.ts';
import { commandLine } from './command-line.ts';
import {
  type Condition,
  inOrder,
  limitsOf,
  type PartSettings,
  type PlanInputs,
  type PlannedPart,
  partOf,
  planOf,
  type TestPlan,
} from './plan.ts';

const DURATION = /(\d+)(us|ms|s|m|h)/g;
const UNITS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };
/** What the Compose Specification says where a health check names none. */
const DEFAULTS = { interval: 30, timeout: 30, retries: 3 };

/** `1m30s` → seconds. */
export const secondsOf = (text: string): number =>
  [...text.matchAll(DURATION)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit as string] as number),
    0,
  );

/** Defaults of variables, and `$$`: what has no default was refused when the file was read. */
export const interpolate = (text: string): string =>
  text.replace(/\$\$|\$\{[A-Za-z_]\w*:?-([^}]*)\}/g, (whole, value?: string) => (whole === '$$' ? '$' : (value ?? '')));

/** The same value with every text in it interpolated. */
function interpolated<T>(value: T): T {
  if (typeof value === 'string') return interpolate(value) as T;
  if (Array.isArray(value)) return value.map((one: unknown) => interpolated(one)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, interpolated(one as unknown)])) as T;
}

const argvOf = (command: ComposeService['command']): readonly string[] | undefined =>
  command === undefined || command === null ? undefined : typeof command === 'string' ? commandLine(command) : command;

/** A health check as the readiness of a test, asked more often than an engine would. */
export function readyOf(check: ComposeHealthcheck | undefined): TestReady | undefined {
  if (check?.test === undefined || check.disable === true) return undefined;
  const [kind, ...rest] = typeof check.test === 'string' ? ['CMD-SHELL', check.test] : check.test;
  if (kind === 'NONE') return undefined;
  const exec =
    kind === 'CMD-SHELL' ? ['/bin/sh', '-c', rest.join(' ')] : kind === 'CMD' ? rest : [kind as string, ...rest];
  const seconds = (text: string | undefined, otherwise: number): number =>
    text === undefined ? otherwise : secondsOf(text);
  const once = seconds(check.interval, DEFAULTS.interval) + seconds(check.timeout, DEFAULTS.timeout);
  return { exec, within: seconds(check.start_period, 0) + once * (check.retries ?? DEFAULTS.retries) };
}

/** Container side of a port. */
const portOf = (port: ComposePort): number =>
  typeof port === 'number' ? port : typeof port === 'string' ? Number(/(\d+)(?:\/tcp)?$/.exec(port)?.[1]) : port.target;

function environmentOf(environment: ComposeService['environment'] = {}): Readonly<Record<string, string>> {
  const pairs = Array.isArray(environment)
    ? (environment as readonly string[]).map((line) => [
        line.slice(0, line.indexOf('=')),
        line.slice(line.indexOf('=') + 1),
      ])
    : Object.entries(environment).map(([name, value]) => [name, String(value)]);
  return Object.fromEntries(pairs);
}

/** `NAME:/PATH[:ro]`; without a source it is the container's own. */
function volumesOf(
  name: string,
  volumes: readonly ComposeVolume[],
): { readonly volumes: readonly string[]; readonly tmpfs: readonly string[] } {
  const mounts: string[] = [];
  const tmpfs: string[] = [];
  for (const [index, volume] of volumes.entries()) {
    const own = `${name}-${index + 1}`;
    if (typeof volume === 'string') mounts.push(volume.includes(':') ? volume : `${own}:${volume}`);
    else if (volume.type === 'tmpfs') tmpfs.push(volume.target);
    else mounts.push(`${volume.source ?? own}:${volume.target}${volume.read_only === true ? ':ro' : ''}`);
  }
  return { volumes: mounts, tmpfs };
}

const CONDITIONS: Readonly<Record<string, Condition>> = {
  service_started: 'started',
  service_healthy: 'ready',
  service_completed_successfully: 'completed',
};

function needsOf(service: ComposeService): Readonly<Record<string, Condition>> {
  const { depends_on: named = [] } = service;
  if (Array.isArray(named)) return Object.fromEntries((named as readonly string[]).map((need) => [need, 'started']));
  return Object.fromEntries(
    Object.entries(named).map(([need, { condition }]) => [need, CONDITIONS[condition] ?? 'started']),
  );
}

function settingsOf(name: string, service: ComposeService): PartSettings {
  const { networks = [], tmpfs = [], volumes = [], mem_limit: memory, cpus, pids_limit: pids } = service;
  const mounted = volumesOf(name, volumes);
  const aliases = Array.isArray(networks) ? [] : Object.values(networks).flatMap((network) => network?.aliases ?? []);
  const names = [service.container_name, service.hostname].filter((alias) => alias !== undefined);
  return {
    image: service.image ?? '',
    command: argvOf(service.command),
    entrypoint: argvOf(service.entrypoint),
    environment: environmentOf(service.environment),
    user: service.user,
    workdir: service.working_dir,
    ports: [...new Set([...(service.ports ?? []), ...(service.expose ?? [])].map(portOf))],
    tmpfs: [...(typeof tmpfs === 'string' ? [tmpfs] : tmpfs), ...mounted.tmpfs].map(
      (path) => path.split(':')[0] as string,
    ),
    volumes: mounted.volumes,
    aliases: [...new Set([...names, ...aliases])],
    limits: {
      ...(memory === undefined ? {} : { memory: String(memory) }),
      ...(cpus === undefined ? {} : { cpus: Number(cpus) }),
      ...(pids === undefined ? {} : { pids }),
    },
  };
}

/** A compose file and the steps of a suite → what is started and asked; one network for all of it. */
export function planOfCompose(file: ComposeFile, suite: TestSuite, inputs: PlanInputs): TestPlan {
  const asked = planOf({ ...suite, services: {}, candidate: {} }, inputs);
  const shared = limitsOf(suite.limits, {});
  const own = asked.parts[0]?.part.ports ?? [];
  const parts = Object.entries(interpolated(file.services)).map(([name, service]): PlannedPart => {
    const settings = settingsOf(name, service);
    const ports = name === CANDIDATE ? [...new Set([...(settings.ports ?? []), ...own])] : settings.ports;
    return {
      part: partOf(name, { ...settings, ...(ports === undefined ? {} : { ports }) }, inputs, shared),
      needs: needsOf(service),
      ready: readyOf(service.healthcheck),
    };
  });
  return { ...asked, parts: inOrder(parts) };
}
