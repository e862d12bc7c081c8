import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../base/index.ts';
import type { RolloutStrategy } from '../strategy.ts';
import { disown, getObject } from './calls.ts';
import { backIfSet, ensureTwin, twinPods, twinStatus } from './canary.ts';
import type { Follower } from './follower.ts';
import { holdStep } from './hold.ts';
import type { Service, WorkloadObject } from './objects.ts';
import { type End, ownPods, roll } from './rolling.ts';
import type { RolloutStatus } from './rollout-status.ts';
import { type Run, readRun, saveClaim, type Verdict } from './run.ts';
import { detachmentFrom, notApplicable, servicesOf, switchService } from './services.ts';
import { type Detachment, type Role, removeOurs, twinLabels, twinName } from './twin.ts';
import { awaitHealth, type Wait } from './wait.ts';

type Strategy = RolloutStrategy & { kind: 'blueGreen' };
type Selector = Readonly<Record<string, string>>;

const GREEN: Role = 'green';

/** What is switched, from what to what. */
export interface Switch {
  readonly service: string;
  readonly preview: string | undefined;
  readonly detached: Detachment;
  /** Of each Service, as it was. */
  readonly selectors: Readonly<Record<string, Selector>>;
}

async function theService(run: Run, object: WorkloadObject, name: string | undefined): Promise<Service> {
  const services = (await servicesOf(run, object)).filter(
    ({ metadata }) => name === undefined || metadata.name === name,
  );
  const [only, ...more] = services;
  if (only !== undefined && more.length === 0) return only;
  const found = services.map(({ metadata }) => metadata.name).join(', ');
  throw notApplicable(
    run,
    only === undefined
      ? `no Service${name === undefined ? '' : ` ${name}`} leads to its pods`
      : `several Services lead to its pods: ${found}`,
    only === undefined ? 'Blue-green switches a Service.' : 'Name the one that is to be switched.',
  );
}

/** @throws KUBERNETES_STRATEGY_NOT_APPLICABLE */
export async function switchFor(run: Run, object: WorkloadObject, strategy: Strategy): Promise<Switch> {
  const { selectors: saved, service: found, previewService: preview, detached: by } = run.claim;
  // Once it is switched, a Service leads elsewhere: what was found at the beginning stands in the claim.
  if (saved !== undefined && found !== undefined && by !== undefined) {
    return { service: found, preview, detached: by, selectors: saved };
  }
  const service = await theService(run, object, strategy.service);
  const selectors: Record<string, Selector> = { [service.metadata.name]: service.spec?.selector ?? {} };
  if (strategy.previewService !== undefined) {
    const preview = await getObject<Service>(run, 'Service', strategy.previewService);
    if (preview === undefined) throw notApplicable(run, `there is no Service ${strategy.previewService} for a preview`);
    selectors[strategy.previewService] = preview.spec?.selector ?? {};
  }
  const detached = await detachmentFrom(run, service, GREEN);
  return { service: service.metadata.name, preview: strategy.previewService, detached, selectors };
}

/** Selects our copies alone, by the labels that the Service selects by. */
const greenSelector = ({ selectors, service, detached }: Switch): Selector =>
  twinLabels(selectors[service] ?? {}, GREEN, detached);

const same = (a: Selector | undefined, b: Selector): boolean =>
  JSON.stringify(Object.entries(a ?? {}).sort()) === JSON.stringify(Object.entries(b).sort());

async function point(run: Run, change: Switch, service: string, to: 'green' | 'before'): Promise<boolean> {
  const [green, before] = [greenSelector(change), change.selectors[service] ?? {}];
  return to === 'green'
    ? await switchService(run, service, before, green)
    : await switchService(run, service, green, before);
}

async function leadsTo(run: Run, change: Switch, to: 'green' | 'before'): Promise<boolean> {
  const service = await getObject<Service>(run, 'Service', change.service);
  return same(
    service?.spec?.selector,
    to === 'green' ? greenSelector(change) : (change.selectors[change.service] ?? {}),
  );
}

/** Services to where they led; what somebody else has set meanwhile is left. Then the green copies go. */
async function tearDown(run: Run, change: Switch): Promise<void> {
  const switched = await point(run, change, change.service, 'before');
  if (change.preview !== undefined) await point(run, change, change.preview, 'before');
  if (switched) await sleep(run.pace.drain, undefined, run.signal === undefined ? {} : { signal: run.signal });
  await removeOurs(run, 'Deployment', twinName(run.name, GREEN));
  for (const service of Object.keys(change.selectors)) await disown(run, 'Service', service);
}

async function status(run: Run, change: Switch, side: 'green' | 'before'): Promise<RolloutStatus> {
  if (await leadsTo(run, change, side)) return await twinStatus(run, GREEN);
  return { kind: 'stuck', reason: `somebody changed the selector of Service ${change.service}`, blame: 'operator' };
}

interface Sides {
  readonly from: string;
  readonly keep: number;
  readonly wait: Wait;
  readonly before: string;
}

/** Green copies come up, are looked at, and get all requests. */
async function bringUp(
  run: Run,
  follower: Follower,
  change: Switch,
  { from, keep, wait, before }: Sides,
): Promise<Verdict> {
  const verdict = await awaitHealth(run, follower, {
    ...wait,
    progress: (done, total) => run.request.progress?.update('green', done, total, run.name),
  });
  if (verdict.kind !== 'healthy') return verdict;
  if (change.preview !== undefined) await point(run, change, change.preview, 'green');
  const count = keep > 0 ? 2 : 1;
  const held = await holdStep(run, follower, { index: 0, count, weight: 0, from, before, after: wait.pods }, wait);
  if (held.kind !== 'go' && held.kind !== 'promote') return held;
  await saveClaim(run, { phase: 'switched', step: 1 });
  return { kind: 'healthy' };
}

/** All requests are with the green copies; the old ones stand by for as long as `keep` says. */
async function serve(
  run: Run,
  follower: Follower,
  change: Switch,
  { from, keep, wait, before }: Sides,
): Promise<Verdict> {
  const switched = (await point(run, change, change.service, 'green')) || (await leadsTo(run, change, 'green'));
  if (!switched) return { kind: 'overtaken', reason: `somebody changed the selector of Service ${change.service}` };
  if (keep <= 0) return { kind: 'healthy' };
  const switchedWait = { ...wait, assess: async () => await status(run, change, 'green') };
  if (run.request.control === undefined) {
    return await awaitHealth(run, follower, { ...switchedWait, hold: AbortSignal.timeout(keep) });
  }
  const step = { index: 1, count: 2, weight: 100, pause: keep, from, before, after: wait.pods };
  const held = await holdStep(run, follower, step, switchedWait);
  return held.kind === 'go' || held.kind === 'promote' ? { kind: 'healthy' } : held;
}

/**
 * A whole second set of copies, then one switch of the Service; back is the same switch. The Deployment that has the name
 * stays the one it is: it gets the image while the green copies serve, then the Service leads to it again and they go.
 */
export async function blueGreen(run: Run, follower: Follower, from: string, strategy: Strategy): Promise<End> {
  const owner = await readRun(run);
  const change = await switchFor(run, owner, strategy);
  try {
    let verdict: Verdict = { kind: 'healthy' };
    const { phase, reason = 'it was being taken back', blame = 'environment' } = run.claim;
    if (phase === 'back') verdict = { kind: 'failed', reason, blame };
    else if (phase !== 'promoting') verdict = await upToServing(run, follower, change, from, strategy, owner);
    if (verdict.kind === 'healthy') {
      await saveClaim(run, { phase: 'promoting' });
      verdict = await roll(run, follower, from, { phase: 'promoting' });
    }
    if (verdict.kind === 'failed') {
      await saveClaim(run, { phase: 'back', reason: verdict.reason, blame: verdict.blame });
    }
    await tearDown(run, change);
    if (verdict.kind === 'healthy') return { kind: 'rolledout' };
    return verdict.kind === 'overtaken' ? verdict : await backIfSet(run, follower, verdict);
  } catch (error) {
    const refused = [
      'KUBERNETES_ADMISSION_REFUSED',
      'KUBERNETES_NAME_TAKEN',
      'KUBERNETES_REFUSED',
      'KUBERNETES_CONFLICT',
    ];
    if (isHeraklitError(error, ...refused, 'KUBERNETES_WORKLOAD_MISSING')) await tearDown(run, change).catch(() => {});
    throw error;
  }
}

async function upToServing(
  run: Run,
  follower: Follower,
  change: Switch,
  from: string,
  strategy: Strategy,
  owner: WorkloadObject,
): Promise<Verdict> {
  await saveClaim(run, {
    service: change.service,
    selectors: change.selectors,
    detached: change.detached,
    ...(change.preview === undefined ? {} : { previewService: change.preview }),
  });
  await ensureTwin(run, owner, GREEN, owner.spec?.replicas ?? 1, change);
  const wait: Wait = {
    image: from,
    candidate: run.request.image,
    pods: await twinPods(run, GREEN),
    assess: async () => await twinStatus(run, GREEN),
    obey: true,
  };
  const sides = { from, keep: strategy.keep ?? 0, wait, before: ownPods(owner) };
  if (run.claim.phase === 'steps') {
    const verdict = await bringUp(run, follower, change, sides);
    if (verdict.kind !== 'healthy') return verdict;
  }
  return await serve(run, follower, change, sides);
}
