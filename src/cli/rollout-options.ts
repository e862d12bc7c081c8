import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { isHeraklitError } from '../base/index.ts';
import type { FleetRollout, FleetRolloutWindow, FleetStrategy } from '../recipe/index.ts';
import { cliError } from './errors.ts';
import { secondsOf } from './span.ts';

/** What the fleet file says under `rollout`, said on the command line. */
export interface StrategyOptions {
  readonly strategy?: 'rolling' | 'canary' | 'blue-green';
  readonly steps?: string;
  readonly pause?: string;
  readonly traffic?: string;
  readonly service?: string;
  readonly previewService?: string;
  readonly keep?: string;
  readonly healthHttp?: readonly string[];
  readonly window?: readonly string[];
  readonly approval?: boolean;
}

export function addStrategyOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--strategy <name>', 'how new copies take the place of old ones').choices([
        'rolling',
        'canary',
        'blue-green',
      ]),
    )
    .option('--steps <weights>', 'per cent of a canary, ascending, each with its pause if it has one: 10:5m,50,100')
    .option('--pause <time>', 'at steps that name none: 90, 2m, 1h, or until-resumed')
    .option('--traffic <split>', 'who gives a canary its share: replicas (default), gateway:ROUTE, ingress:NAME')
    .option('--service <name>', 'Service that blue-green switches; the only one of the workload otherwise')
    .option('--preview-service <name>', 'Service that leads to the new copies before the switch')
    .option('--keep <time>', 'how long blue-green keeps the old copies after the switch')
    .option('--health-http <check...>', 'number measured at each step: URL#/POINTER<=MAX or >=MIN')
    .option('--window <window...>', "changes only then: 'mon-fri 09:00-16:00 Europe/Berlin'")
    .option('--approval', 'begin when somebody has approved it');
}

/**
 * Options as the fleet file would say it, checked as that is.
 * @returns undefined parts where nothing was said @throws CLI_USAGE
 */
export async function strategySettings(options: StrategyOptions): Promise<FleetRollout> {
  const strategy = strategyOf(options);
  const metrics = options.healthHttp?.map(metricOf);
  const windows = options.window?.map(windowOf);
  return await checked({
    ...(strategy === undefined ? {} : { strategy }),
    ...(metrics === undefined ? {} : { analysis: { metrics } }),
    ...(windows === undefined ? {} : { windows }),
  });
}

/** In place of a file name. */
const FROM = 'command line';

/** The rules of a fleet file are those of the command line. */
async function checked(rollout: FleetRollout): Promise<FleetRollout> {
  const { parseFleet } = await import('../recipe/index.ts');
  const document = { apiVersion: 'heraklit/v1', kind: 'Fleet', images: [], rollout };
  try {
    return parseFleet(JSON.stringify(document), FROM).rollout ?? {};
  } catch (cause) {
    if (!isHeraklitError(cause, 'RECIPE_INVALID')) throw cause;
    throw cliError('CLI_USAGE', cause.message.replaceAll(new RegExp(`${FROM}:\\d+:\\d+: `, 'g'), ''), { cause });
  }
}

function strategyOf(options: StrategyOptions): FleetStrategy | undefined {
  const { steps, traffic, pause, service, previewService, keep } = options;
  const ofCanary = steps ?? traffic ?? pause;
  const ofSwitch = service ?? previewService ?? keep;
  const kind = options.strategy ?? (ofCanary === undefined ? undefined : 'canary');
  if (kind !== 'canary' && ofCanary !== undefined) throw goesWith('--steps, --pause and --traffic', 'canary');
  if (kind !== 'blue-green' && ofSwitch !== undefined) {
    throw goesWith('--service, --preview-service and --keep', 'blue-green');
  }
  if (kind === undefined || kind === 'rolling') return kind;
  if (kind === 'blue-green') {
    return {
      blueGreen: {
        ...(service === undefined ? {} : { service }),
        ...(previewService === undefined ? {} : { previewService }),
        ...(keep === undefined ? {} : { keep: secondsOf('--keep', keep) }),
      },
    };
  }
  if (steps === undefined) {
    throw cliError('CLI_USAGE', 'a canary needs its steps', { hint: 'For example --steps 10,50 --pause 2m.' });
  }
  const between = pause === undefined ? undefined : pauseOf('--pause', pause);
  return {
    canary: {
      steps: steps.split(',').map((text) => stepOf(text.trim(), between)),
      ...(traffic === undefined ? {} : { traffic: trafficOf(traffic) }),
    },
  };
}

const goesWith = (options: string, strategy: string): Error =>
  cliError('CLI_USAGE', `${options} go with --strategy ${strategy}`);

const pauseOf = (option: string, text: string): number | 'until-resumed' =>
  text === 'until-resumed' ? text : secondsOf(option, text);

function stepOf(text: string, pause: number | 'until-resumed' | undefined) {
  const match = /^(\d{1,3}(?:\.\d{1,3})?)%?(?::(.+))?$/.exec(text);
  if (match === null) {
    throw cliError('CLI_USAGE', `--steps takes weights like 10,50:5m,80:until-resumed, not ${JSON.stringify(text)}`);
  }
  const [, weight, own] = match;
  const held = own === undefined ? pause : pauseOf('--steps', own);
  return { weight: Number(weight), ...(held === undefined ? {} : { pause: held }) };
}

type Traffic = NonNullable<Extract<FleetStrategy, { canary: object }>['canary']['traffic']>;

function trafficOf(text: string): Traffic {
  if (text === 'replicas') return text;
  const [kind, name = ''] = text.split(/:(.*)/s);
  if (kind === 'gateway' && name !== '') return { gateway: name };
  if (kind === 'ingress' && name !== '') return { ingress: name };
  throw cliError('CLI_USAGE', `--traffic takes replicas, gateway:ROUTE or ingress:NAME, not ${JSON.stringify(text)}`);
}

type AnalysisSettings = NonNullable<FleetRollout['analysis']>;
type Metric = AnalysisSettings['metrics'][number];

function metricOf(text: string): Metric {
  const match = /^(https?:\/\/[^#\s]+)#(\/\S*?)?(<=|>=)(-?\d+(?:\.\d+)?)$/.exec(text);
  if (match === null) {
    throw cliError('CLI_USAGE', `--health-http takes URL#/POINTER<=NUMBER or >=NUMBER, not ${JSON.stringify(text)}`);
  }
  const [, url = '', pointer = '', sign, number] = match;
  const limit = sign === '<=' ? { max: Number(number) } : { min: Number(number) };
  return { name: `${new URL(url).pathname}${pointer}`, http: { url, pointer }, ...limit };
}

/** It is kept with the rollout, and whoever carries it on may work in another folder. */
export const placedAnalysis = (settings: AnalysisSettings, directory: string): AnalysisSettings => ({
  ...settings,
  metrics: settings.metrics.map((metric) => withAbsoluteFiles(metric, directory)),
});

const FILES = ['caFile', 'certFile', 'keyFile', 'tokenFile', 'passwordFile'] as const;

function withAbsoluteFiles(metric: Metric, directory: string): Metric {
  const place = <T extends object>(part: T): T =>
    Object.fromEntries(
      Object.entries(part).map(([key, value]) =>
        (FILES as readonly string[]).includes(key) ? [key, resolve(directory, String(value))] : [key, value],
      ),
    ) as T;
  const endpoint = <T extends { readonly auth?: object }>(part: T): T => ({
    ...place(part),
    ...(part.auth === undefined ? {} : { auth: place(part.auth) }),
  });
  return {
    ...metric,
    ...(metric.prometheus === undefined ? {} : { prometheus: endpoint(metric.prometheus) }),
    ...(metric.http === undefined ? {} : { http: endpoint(metric.http) }),
  };
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
type Day = (typeof DAYS)[number];

/** `mon-fri 09:00-16:00 Europe/Berlin`, each part but one may be left out. */
function windowOf(text: string): FleetRolloutWindow {
  let window: FleetRolloutWindow = {};
  for (const part of text.trim().split(/\s+/)) {
    const times = /^(\d\d:\d\d)-(\d\d:\d\d)$/.exec(part);
    const days = daysOf(part.toLowerCase());
    if (times !== null) window = { ...window, from: times[1] as string, to: times[2] as string };
    else if (days !== undefined) window = { ...window, days };
    else if (/^[A-Za-z][\w+/-]*$/.test(part)) window = { ...window, timeZone: part };
    else throw cliError('CLI_USAGE', `--window takes 'mon-fri 09:00-16:00 Europe/Berlin', not ${JSON.stringify(text)}`);
  }
  return window;
}

function daysOf(text: string): readonly Day[] | undefined {
  const isDay = (day: string): day is Day => (DAYS as readonly string[]).includes(day);
  const days = text.split(',').flatMap((part): readonly (Day | undefined)[] => {
    const [first = '', last = first] = part.split('-');
    if (!isDay(first) || !isDay(last)) return [undefined];
    const [from, to] = [DAYS.indexOf(first), DAYS.indexOf(last)];
    return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, i) => DAYS[(from + i) % 7]);
  });
  return days.some((day) => day === undefined) ? undefined : [...new Set(days as readonly Day[])];
}
