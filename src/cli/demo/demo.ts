import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { homeAt } from '../../base/index.ts';
import { type Database, openDatabase } from '../../database/index.ts';
import {
  type FleetSetup,
  type LoadedFleet,
  loadEngineFleet,
  openLoopbackRegistry,
  openWorkshop,
  type PipelineResult,
  pipelineOptions,
  planPipeline,
  rolloutOf,
  runPipeline,
  verifyOf,
  type Workshop,
} from '../../engine/index.ts';
import { createRelay, type EventSink, terminalSink } from '../../events/index.ts';
import { fleet as fleetRows } from '../../inventory/store/index.ts';
import type { Plan } from '../../plan/index.ts';
import { createSqlCatalogue } from '../../registry/index.ts';
import { openHomeStore } from '../../storage/index.ts';
import type { CliContext } from '../context.ts';
import { debianArchitecture } from '../debian-architecture.ts';
import { coloursFor } from '../render/colours.ts';
import { renderPlan } from '../render/plan.ts';
import { renderTasks, taskReport } from '../render/tasks.ts';
import { type DemoContainers, startContainers } from './containers.ts';
import { DEMO_MARKER } from './marker.ts';
import { type DemoReport, renderSummary, secondsByStage, stateOf } from './report.ts';
import { copyFleet, sandboxProblem } from './scratch-fleet.ts';

export interface DemoOptions {
  readonly folder: string;
  readonly json: boolean;
  /** Run containers where an engine is present. */
  readonly containers: boolean;
  readonly mirror?: string;
}

/** Seconds for which the demo takes a repository state as current: it looks once per run. */
const MAX_AGE = 60;
const ROLLOUT_DEADLINE = 60_000;
/** Milliseconds that a tested service must stay up. */
const STAY_UP = 500;
/** What a person who watches wants to see of the event stream. */
const SHOWN = /^io\.heraklit\.image\.(?:unchanged|published|quarantined|released|rolledout|rolledback)$/;

/** The mission in miniature: release pocket → fleet → updates arrive → plan → build → test → publish → roll out. */
export async function demo(options: DemoOptions, context: CliContext): Promise<DemoReport> {
  const started = performance.now();
  const home = homeAt(join(options.folder, 'home'));
  const colours = coloursFor(context.colour && !options.json);
  const say = (text: string): void => {
    if (!options.json) context.print(text);
  };
  await mkdir(home.root, { recursive: true });
  await writeFile(join(options.folder, DEMO_MARKER), '');
  const problem = await sandboxProblem(home);
  if (problem !== undefined) say(`No maintainer scripts will run (${problem}); images are composed without.\n`);
  const fleet = await loadEngineFleet(await copyFleet(join(options.folder, 'fleet'), problem === undefined));
  await using resources = new AsyncDisposableStack();
  const database = resources.adopt(await openDatabase({ kind: 'embedded', directory: home.database }), (one) =>
    one.close(),
  );
  const store = await openHomeStore(home);
  const catalogue = createSqlCatalogue(database);
  const registry = resources.adopt(
    await openLoopbackRegistry(store, catalogue, context.log, await keptPort(options.folder)),
    (one) => one.close(),
  );
  await keepPort(options.folder, registry.host);
  const relay = resources.adopt(
    await createRelay({
      database,
      sinks: options.json ? [] : [onlyShown(terminalSink((line) => say(`  ${colours.dim(line.trimEnd())}`)))],
    }),
    (one) => one.stop(),
  );
  const workshopFor = (pockets?: readonly string[]): Workshop =>
    openWorkshop({
      home,
      log: context.log,
      progress: context.progress,
      signal: context.signal,
      maxAge: MAX_AGE,
      ...(pockets === undefined ? {} : { pockets }),
      ...(options.mirror === undefined ? {} : { mirror: options.mirror }),
    });
  const setupFor = (workshop: Workshop, containers?: DemoContainers): FleetSetup => ({
    fleet,
    workshop,
    database,
    architecture: debianArchitecture(),
    registryHost: registry.host,
    verify: verifyOf({
      fleet,
      workshop,
      registryHost: registry.host,
      stayUp: STAY_UP,
      ...(containers === undefined ? {} : { runtime: containers.runtime }),
    }),
    ...(containers === undefined
      ? {}
      : {
          rollout: rolloutOf({
            database,
            runtimes: [containers.runtime],
            registryHost: registry.host,
            document: { rollout: { deadline: ROLLOUT_DEADLINE / 1_000 } },
          }),
        }),
    log: context.log,
    signal: context.signal,
  });
  const results: PipelineResult[] = [];

  const first = await isNew(fleet, database);
  if (first) {
    say(colours.bold(`1. Composing ${fleet.fleet.images.length} images from the release pocket alone`));
    results.push(await runPipeline(await pipelineOptions(setupFor(workshopFor(['release'])))));
    await relay.flush();
  } else say(colours.bold('1. The fleet is there from an earlier run'));

  const containers = await containersFor(options, registry.host, database);
  if (typeof containers !== 'string') resources.defer(() => containers.close());
  say(typeof containers === 'string' ? `   containers: ${containers}` : '   4 containers serve requests from now on');

  say(colours.bold('\n2. The security and updates pockets arrive'));
  const setup = setupFor(workshopFor(), typeof containers === 'string' ? undefined : containers);
  const pipeline = await pipelineOptions(setup);
  const plan = await planPipeline(pipeline);
  const beforeRows = await allRows(database);
  if (plan.tasks.length > 0) say(renderPlan(plan, colours));
  const untouched = fleet.fleet.images.filter(({ image }) => !plan.tasks.some((task) => task.image === image));
  if (untouched.length > 0)
    say(`Left alone: ${untouched.map(({ image }) => image).join(', ')} (no update, no base that changes)`);

  say(colours.bold('\n3. Rebuilding in dependency order, testing, publishing, rolling out'));
  const done = await runPipeline(pipeline);
  results.push(done);
  await relay.flush();
  const traffic = typeof containers === 'string' ? { skipped: `not done: ${containers}` } : await containers.finish();
  const tasks = done.tasks.map(taskReport);
  if (tasks.length > 0) say(renderTasks(tasks, colours));
  for (const task of results.flatMap((result) => result.tasks)) {
    if (task.error === null) continue;
    context.log.error(`${task.image}: ${task.error}`);
    context.foundOverThreshold();
  }

  await planPipeline(pipeline);
  const report: DemoReport = {
    folder: options.folder,
    scripts: problem === undefined ? 'run' : 'none',
    images: fleet.fleet.images.length,
    levels: 3,
    before: plan.tasks.length === 0 ? undefined : stateOf(beforeRows, advisoriesIn(plan)),
    plan: plan.tasks,
    tasks,
    after: stateOf(await allRows(database), 0),
    secondsByStage: secondsByStage(results),
    seconds: Math.round(performance.now() - started) / 1000,
    bytesBuilt: tasks.reduce((sum, task) => sum + task.bytesBuilt, 0),
    bytesShared: tasks.reduce((sum, task) => sum + task.bytesShared, 0),
    events: await countEvents(database),
    rollout: traffic,
  };
  say(`\n${renderSummary(report, colours)}`);
  return report;
}

const onlyShown = (sink: EventSink): EventSink => ({
  ...sink,
  deliver: (events) => sink.deliver(events.filter((event) => SHOWN.test(event.type))),
});

const advisoriesIn = (plan: Plan): number =>
  new Set(plan.tasks.flatMap((task) => task.missing.flatMap((one) => one.advisories))).size;

/** True until every image of the fleet was released once. */
async function isNew(fleet: LoadedFleet, database: Database): Promise<boolean> {
  const rows = await database.kysely.selectFrom('fleet_image').select(['name', 'digest']).execute();
  const released = new Set(rows.filter((row) => row.digest !== null).map((row) => row.name));
  return fleet.fleet.images.some(({ image }) => !released.has(image));
}

async function containersFor(
  options: DemoOptions,
  registryHost: string,
  database: Database,
): Promise<DemoContainers | string> {
  if (!options.containers) return 'turned off by --no-containers';
  const rows = await database.kysely.selectFrom('fleet_image').select(['name', 'digest']).execute();
  return startContainers(options.folder, registryHost, new Map(rows.map((row) => [row.name, row.digest ?? ''])));
}

const allRows = async (database: Database) => (await fleetRows(database.kysely, { now: new Date(), limit: 1000 })).rows;

async function countEvents(database: Database): Promise<number> {
  const row = await database.kysely
    .selectFrom('outbox')
    .select((builder) => builder.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** References carry the registry's port: it is kept, so that a second run knows the images by the same names. */
async function keptPort(folder: string): Promise<number> {
  return Number(await readFile(join(folder, 'port'), 'utf8').catch(() => '0')) || 0;
}

async function keepPort(folder: string, host: string): Promise<void> {
  await writeFile(join(folder, 'port'), host.split(':').at(-1) ?? '0');
}
