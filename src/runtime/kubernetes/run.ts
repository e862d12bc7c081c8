import type { RolloutRequest } from '../port.ts';
import type { RolloutBlame } from '../strategy.ts';
import { writerOfImage } from './apply.ts';
import { getObject, mergePatch, type Place } from './calls.ts';
import { CLAIM, type Claim, claimOf } from './claim.ts';
import { kubernetesError } from './errors.ts';
import { containersOf, type RunKind, type WorkloadObject } from './objects.ts';

/** Milliseconds. */
export interface Pace {
  /** Between two looks at a rollout, and between two questions to its control. */
  readonly look: number;
  /** From taking requests away from copies to removing them: proxies learn of it late. */
  readonly drain: number;
  /** Between two signs of life on the claim; a while with three of them missing is the end of it. */
  readonly renew: number;
}

export const DEFAULT_PACE: Pace = { look: 1000, drain: 5000, renew: 10_000 };
const ATTEMPTS = 10;

/** One call of rollout() and all it is about. */
export interface Run extends Place {
  readonly kind: RunKind;
  readonly name: string;
  readonly container: string;
  readonly request: RolloutRequest;
  readonly pace: Pace;
  /** As it was written last. */
  claim: Claim;
}

/** What waiting came to. */
export type Verdict =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'failed'; readonly reason: string; readonly blame: RolloutBlame }
  | { readonly kind: 'overtaken'; readonly reason: string };

export const titleOf = ({ kind, namespace, name }: Pick<Run, 'kind' | 'namespace' | 'name'>): string =>
  `${kind} ${namespace}/${name}`;

/** It was deleted; or its whole namespace is, which is said where it may be read. */
export async function goneError(run: Pick<Run, 'client' | 'namespace' | 'signal' | 'kind' | 'name'>): Promise<Error> {
  await refuseTerminating(run);
  return kubernetesError('KUBERNETES_WORKLOAD_MISSING', `${titleOf(run)} was deleted meanwhile`);
}

interface NamespaceObject {
  readonly metadata: { readonly deletionTimestamp?: string };
  readonly status?: { readonly phase?: string };
}

/** Nothing is begun, and nothing goes on, in a namespace that goes. Who may not read namespaces learns of it later. @throws KUBERNETES_NAMESPACE_TERMINATING */
export async function refuseTerminating(run: Pick<Run, 'client' | 'namespace' | 'signal'>): Promise<void> {
  const answer = await run.client.call({
    path: `/api/v1/namespaces/${encodeURIComponent(run.namespace)}`,
    signal: run.signal,
  });
  if (answer.status !== 200) return;
  const { metadata, status } = answer.body as NamespaceObject;
  if (metadata?.deletionTimestamp === undefined && status?.phase !== 'Terminating') return;
  throw kubernetesError('KUBERNETES_NAMESPACE_TERMINATING', `the namespace ${run.namespace} is being deleted`);
}

/** @throws KUBERNETES_WORKLOAD_MISSING, KUBERNETES_NAMESPACE_TERMINATING */
export async function readRun(run: Run): Promise<WorkloadObject> {
  const object = await getObject<WorkloadObject>(run, run.kind, run.name);
  if (object === undefined || object.metadata.deletionTimestamp !== undefined) throw await goneError(run);
  return object;
}

/**
 * Whether somebody else has taken the workload into their hands: another image, or no such container any more.
 * @throws KUBERNETES_ROLLOUT_BUSY when it is another heraklit
 */
export function disturbance(
  run: Run,
  object: WorkloadObject,
  image: string,
): (Verdict & { kind: 'overtaken' }) | undefined {
  const claim = claimOf(object);
  if (claim !== undefined && claim.holder !== run.claim.holder) {
    throw kubernetesError(
      'KUBERNETES_ROLLOUT_BUSY',
      `another process has taken over the rollout of ${titleOf(run)} to ${claim.image}`,
    );
  }
  const container = containersOf(object).find(({ name }) => name === run.container);
  if (container === undefined) {
    return { kind: 'overtaken', reason: `the container ${run.container} is gone from the pod template` };
  }
  if (container.image === image) return undefined;
  return { kind: 'overtaken', reason: `${writerOfImage(object, run.container)} set ${container.image ?? 'no image'}` };
}

const annotated = (resourceVersion: string | undefined, claim: Claim | null): object => ({
  metadata: { resourceVersion, annotations: { [CLAIM]: claim === null ? null : JSON.stringify(claim) } },
});

/** Writes the claim on this very state of the object. @returns false when the object has changed since. */
export async function putClaim(run: Run, object: WorkloadObject, claim: Claim): Promise<boolean> {
  const body = annotated(object.metadata.resourceVersion, claim);
  const written = await mergePatch<WorkloadObject>(run, run.kind, run.name, body);
  if (written === 'gone') throw await goneError(run);
  if (written === 'conflict') return false;
  run.claim = claim;
  return true;
}

/** Says how far it is, and that we live. @throws KUBERNETES_ROLLOUT_BUSY when the claim is another's now */
export async function saveClaim(run: Run, changes: Partial<Claim> = {}): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const object = await readRun(run);
    const found = claimOf(object);
    if (found !== undefined && found.holder !== run.claim.holder) {
      throw kubernetesError('KUBERNETES_ROLLOUT_BUSY', `another process has taken over the rollout of ${titleOf(run)}`);
    }
    const claim = { ...run.claim, ...changes, renewed: run.claim.renewed + 1 };
    if (await putClaim(run, object, claim)) return;
  }
  throw kubernetesError('KUBERNETES_CONFLICT', `${titleOf(run)} changes faster than its annotation can be written`);
}

/** Takes the claim off, if it is still ours. */
export async function dropClaim(run: Run): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const object = await getObject<WorkloadObject>(run, run.kind, run.name);
    if (object === undefined) return;
    const found = claimOf(object);
    if (found === undefined || found.holder !== run.claim.holder) return;
    const written = await mergePatch(run, run.kind, run.name, annotated(object.metadata.resourceVersion, null));
    if (written !== 'conflict') return;
  }
}
