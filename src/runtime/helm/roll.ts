import { setTimeout as sleep } from 'node:timers/promises';
import { disown } from '../kubernetes/calls.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { Pod } from '../kubernetes/objects.ts';
import { blamePods, crashLoop } from '../kubernetes/status.ts';
import type { RolloutOutcome, RolloutRequest } from '../port.ts';
import { helmError } from './errors.ts';
import { imagePlaces, type NewImage, parseImage } from './image-places.ts';
import { workloadsOf } from './manifest.ts';
import { type HelmResult, runHelm } from './program.ts';
import type { HelmRelease } from './release.ts';
import { type ReleaseNow, releaseNow } from './releases.ts';
import { gone, placeIn, refusePending, rendered, type Session, said, setsOf, withChart } from './session.ts';
import { rollbackWords, type UpgradeWords, upgradeWords } from './upgrade.ts';

type Settled = ReleaseNow & { readonly deployed: HelmRelease };

async function stateOf({ client }: Session, { workload }: RolloutRequest): Promise<Settled> {
  const found = await releaseNow(client, workload.namespace, workload.name);
  if (found?.deployed === undefined) throw gone(workload.id);
  return { ...found, deployed: found.deployed };
}

/**
 * An upgrade to this very image that nobody waits for any more (its time and ours over it are up) is one of ours that was
 * killed with its machine: it is taken back, and done again.
 */
function isForsaken(
  { pace }: Session,
  { newest }: Settled,
  { deadline, digest }: RolloutRequest,
  place: string,
): boolean {
  if (newest.status !== 'pending-upgrade') return false;
  const since = Date.parse(newest.lastDeployed);
  const wanted = imagePlaces(newest).some(({ name, image }) => name === place && image.digest === digest);
  return wanted && Date.now() - since > deadline + 2 * pace.grace;
}

/** The release at rest. @throws HELM_BUSY, KUBERNETES_WORKLOAD_MISSING */
async function atRest(session: Session, request: RolloutRequest, place: string): Promise<Settled> {
  const found = await stateOf(session, request);
  if (!isForsaken(session, found, request, place)) {
    refusePending(request.workload.id, found);
    return found;
  }
  await goBack(session, { release: found.deployed, timeout: request.deadline, kept: found.kept });
  const now = await stateOf(session, request);
  refusePending(request.workload.id, now);
  return now;
}

/**
 * Fields that heraklit set beside the release (before helm was here) are given up: helm 4 applies on the server, which
 * refuses it what others hold. The values stay until helm writes its own.
 */
async function handOver({ client, signal }: Session, { manifest, namespace }: HelmRelease): Promise<void> {
  for (const made of await workloadsOf(manifest, namespace)) {
    const place = { client, namespace: made.namespace, signal };
    for (const operation of ['Apply', 'Update'] as const) await disown(place, made.kind, made.name, operation);
  }
}

/** Milliseconds that what ran before gets to be ready again, however short the deadline of the new one was. */
const LEAST_BACK = 120_000;

async function goBack(
  { program, target, pace }: Session,
  words: Pick<UpgradeWords, 'release' | 'timeout' | 'kept'>,
): Promise<HelmResult> {
  const timeout = Math.max(words.timeout, LEAST_BACK);
  return await runHelm(program, rollbackWords({ ...words, timeout }, target), timeout + pace.grace);
}

const podsOf = async (client: KubernetesClient, namespace: string): Promise<readonly Pod[]> =>
  await client.list<Pod>(`/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`);

/** Looks at pods that came since, and run this image. */
function witness({ client, pace }: Session, namespace: string, { digest }: NewImage, before: ReadonlySet<string>) {
  const since = async (): Promise<readonly (readonly [Pod, string, string])[]> =>
    (await podsOf(client, namespace))
      .filter(({ metadata }) => !before.has(metadata.uid ?? metadata.name))
      .flatMap((pod) =>
        (pod.spec?.containers ?? []).flatMap(({ name, image = '' }) =>
          image.endsWith(digest) ? [[pod, name, image] as const] : [],
        ),
      );
  return {
    /** Why they are not well, and whether the image had a fair trial. */
    blamed: async () => {
      const found = (await since()).flatMap(([pod, name, image]) => blamePods([pod], name, image) ?? []);
      return found.find(({ blame }) => blame === 'image') ?? found[0];
    },
    /** Ends when one starts and ends again and again: there is no need to wait for the deadline. */
    hopeless: async (over: AbortSignal): Promise<boolean> => {
      for (;;) {
        await sleep(pace.look, undefined, { signal: over }).catch(() => undefined);
        if (over.aborted) return false;
        // A look that fails says nothing: helm waits by itself.
        const seen = await since().catch(() => []);
        if (seen.some(([pod, name]) => crashLoop([pod], name) !== undefined)) return true;
      }
    },
  };
}

/** helm's upgrade, ended early where the pods say that it has no hope. */
async function upgraded(
  session: Session,
  words: UpgradeWords,
  hopeless: (over: AbortSignal) => Promise<boolean>,
): Promise<HelmResult> {
  const { program, target, version, pace, signal } = session;
  const [over, stop] = [new AbortController(), new AbortController()];
  const watched = hopeless(over.signal).then((found) => {
    if (found) stop.abort();
  });
  const either = AbortSignal.any([stop.signal, ...(signal === undefined ? [] : [signal])]);
  try {
    return await runHelm(program, upgradeWords(words, target, version), words.timeout + pace.grace, either);
  } finally {
    over.abort();
    await watched;
  }
}

const CONFLICT = /conflict occurred while applying|Apply failed with \d+ conflict/;
const TAKEN = /another operation \(install\/upgrade\/rollback\) is in progress/;

interface Ended {
  readonly id: string;
  readonly result: HelmResult;
  readonly before: Settled;
  /** Undefined where it is gone. */
  readonly now: ReleaseNow | 'unknown' | undefined;
}

/** Whether nothing changed, so that there is nothing to take back. @throws HELM_BUSY, HELM_FAILED */
function refuseUnbegun({ id, result, before, now }: Ended): void {
  const ours = before.newest.revision + 1;
  const newest = now === undefined || now === 'unknown' ? undefined : now.newest;
  // An upgrade that fails says so in its revision: one of this number that says else is that of somebody who was faster.
  const faster = newest?.revision === ours && newest.status !== 'failed' && result.code !== null;
  if (faster || TAKEN.test(result.stderr)) {
    throw helmError('HELM_BUSY', `${id} is being changed by somebody else: ${said(result)}`, { hint: 'Wait for it.' });
  }
  if (now === 'unknown' || (newest !== undefined && newest.revision >= ours)) return;
  throw helmError('HELM_FAILED', `helm upgrade of ${id}: ${said(result)}`);
}

/** What somebody else did to it meanwhile; theirs is left. */
function overtaking({ before, now }: Ended): string | undefined {
  const ours = before.newest.revision + 1;
  if (now === 'unknown') return undefined;
  if (now === undefined) return 'somebody else uninstalled the release';
  const { newest } = now;
  return newest.revision <= ours ? undefined : `somebody else made revision ${newest.revision} (${newest.status})`;
}

/** @returns the outcome, when the release runs the image, or what ran before it */
export async function roll(session: Session, request: RolloutRequest): Promise<RolloutOutcome> {
  const began = performance.now();
  const { workload, digest, deadline, image: to } = request;
  const wanted = request.container ?? workload.containers[0]?.name ?? '';
  const before = await atRest(session, request, wanted);
  const { deployed: release, kept } = before;
  const place = placeIn(release, workload.id, wanted);
  if (place.image.digest === digest) return { kind: 'unchanged', workload: workload.id, to };
  const image: NewImage = { repository: (parseImage(to) ?? place.image).repository, digest, tag: request.tag };
  const { repository: old, tag, digest: ran } = place.image;
  const from = `${old}${tag === undefined ? '' : `:${tag}`}${ran === undefined ? '' : `@${ran}`}`;
  const set = setsOf(place, image, workload.id);
  return await withChart(session, release, set, async (chart) => {
    const words: UpgradeWords = { release, ...chart, set, timeout: deadline, kept };
    await rendered(session, words, image);
    await handOver(session, release);
    const known = new Set(
      (await podsOf(session.client, release.namespace)).map(({ metadata }) => metadata.uid ?? metadata.name),
    );
    const pods = witness(session, release.namespace, image, known);
    const result = await upgraded(session, words, pods.hopeless);
    const now = await releaseNow(session.client, release.namespace, release.name).catch(() => 'unknown' as const);
    const ended: Ended = { id: workload.id, result, before, now };
    const facts = () => ({
      workload: workload.id,
      from,
      to,
      interrupted: false,
      milliseconds: Math.round(performance.now() - began),
    });
    const taken = overtaking(ended);
    if (taken !== undefined) return { kind: 'overtaken', ...facts(), reason: taken };
    if (result.code === 0) return { kind: 'rolledout', ...facts() };
    refuseUnbegun(ended);
    const seen = await pods.blamed().catch(() => undefined);
    const reason = `helm upgrade: ${said(result)}${seen === undefined ? '' : `; ${seen.reason}`}`;
    // Also when we are to end: what is half-way is not left so.
    const back = await goBack(session, words);
    if (back.code === 0) return { kind: 'rolledback', ...facts(), reason, blame: seen?.blame ?? 'environment' };
    if (CONFLICT.test(result.stderr) && CONFLICT.test(back.stderr)) {
      throw helmError('HELM_CONFLICT', `${workload.id} stays as it is: ${said(result)}`, {
        hint: 'Take the field out of the chart, or from whoever holds it; helm upgrade --force-conflicts takes it, by hand.',
      });
    }
    throw helmError(
      'HELM_ROLLBACK_INCOMPLETE',
      `${workload.id} failed on ${to} (${reason}) and did not go back to revision ${release.revision}: ${said(back)}`,
    );
  });
}
