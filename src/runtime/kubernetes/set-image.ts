import { applyBody, FIELD_MANAGER, mayForce } from './apply.ts';
import { refusal } from './calls.ts';
import type { Claim } from './claim.ts';
import type { StatusObject } from './client.ts';
import { kubernetesError } from './errors.ts';
import { containersOf, pathOf, type WorkloadObject } from './objects.ts';
import { disturbance, type Run, readRun, titleOf, type Verdict } from './run.ts';

const ATTEMPTS = 10;

export interface ImageSetting {
  /** What must be there now: anything else is somebody else's will. */
  readonly from: string;
  readonly to: string;
  readonly tag: string | undefined;
  readonly claim: Partial<Claim>;
}

type Applied = 'done' | 'stale';

/** One server-side apply; another manager's hold is forced only on what `mayForce` calls ours. */
async function applyOnce(run: Run, object: WorkloadObject, setting: ImageSetting, claim: Claim): Promise<Applied> {
  const body = applyBody(run.kind, object, {
    container: run.container,
    image: setting.to,
    previous: claim.previous,
    tag: setting.tag,
    claim: JSON.stringify(claim),
  });
  const call = {
    method: 'PATCH',
    path: pathOf(run.kind, run.namespace, run.name),
    contentType: 'application/apply-patch+yaml',
    body,
    signal: run.signal,
  } as const;
  const first = await run.client.call({ ...call, query: { fieldManager: FIELD_MANAGER } });
  if (first.status === 200) return 'done';
  if (first.status !== 409) throw refusal(call, first);
  const { details, message } = first.body as StatusObject;
  const fields = (details?.causes ?? []).map(({ field }) => field);
  // A conflict without a field is about the resourceVersion: somebody wrote in between.
  if (fields.length === 0) return 'stale';
  if (!mayForce(fields, run.container)) {
    throw kubernetesError('KUBERNETES_CONFLICT', `server-side apply on ${titleOf(run)}: ${message ?? 'conflict'}`, {
      details: { fields },
    });
  }
  const forced = await run.client.call({ ...call, query: { fieldManager: FIELD_MANAGER, force: 'true' } });
  if (forced.status === 409) return 'stale';
  if (forced.status !== 200) throw refusal(call, forced);
  return 'done';
}

/**
 * Sets the image and the claim in one write, on a state of the object that still has the image expected.
 * @returns undefined when set. @throws KUBERNETES_CONFLICT, KUBERNETES_ADMISSION_REFUSED, KUBERNETES_NAMESPACE_TERMINATING
 */
export async function setImage(
  run: Run,
  setting: ImageSetting,
): Promise<(Verdict & { kind: 'overtaken' }) | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const object = await readRun(run);
    const now = containersOf(object).find(({ name }) => name === run.container)?.image;
    const overtaken = disturbance(run, object, now === setting.to ? setting.to : setting.from);
    if (overtaken !== undefined) return overtaken;
    const claim = { ...run.claim, ...setting.claim, renewed: run.claim.renewed + 1 };
    if ((await applyOnce(run, object, setting, claim)) === 'stale') continue;
    run.claim = claim;
    return undefined;
  }
  throw kubernetesError('KUBERNETES_CONFLICT', `${titleOf(run)} changes faster than its image can be set`);
}
