import type { Condition, WorkloadObject } from './objects.ts';
import type { RolloutStatus } from './rollout-status.ts';

const condition = (object: WorkloadObject, type: string): Condition | undefined =>
  object.status?.conditions?.find((one) => one.type === type);

const unseen: RolloutStatus = {
  kind: 'progressing',
  done: 0,
  total: 1,
  detail: 'the controller has not seen the change',
  unseen: true,
};

/** Whom an abort of Argo Rollouts is to be laid at: their analysis found the image bad, or somebody pressed the button. */
function aborted(message: string): RolloutStatus {
  const measured = /metric|analysis/i.test(message);
  return { kind: 'stuck', reason: message, blame: measured ? 'image' : 'operator' };
}

/** Status of a Rollout (argoproj.io/v1alpha1): its phase is what its own `kubectl argo rollouts status` goes by. */
export function argoStatus({ metadata, spec, status }: WorkloadObject): RolloutStatus {
  // A text since version 1.0; before, a hash, which is no number and is not waited for.
  const observed = Number(status?.observedGeneration ?? 0);
  if (!Number.isNaN(observed) && observed < (metadata.generation ?? 0)) return unseen;
  const wanted = spec?.replicas ?? 1;
  const message = status?.message ?? '';
  if (status?.abort === true) return aborted(message === '' ? 'the Rollout was aborted' : message);
  if (status?.phase === 'Healthy' && status.currentPodHash === status.stableRS) return { kind: 'complete' };
  if (status?.phase === 'Degraded') {
    const blame = /InvalidSpec|forbidden|quota/i.test(message) ? 'environment' : 'image';
    return { kind: 'stuck', reason: message === '' ? 'the Rollout is degraded' : message, blame };
  }
  const updated = status?.updatedReplicas ?? 0;
  const detail = `${status?.phase ?? 'Progressing'}${message === '' ? '' : `: ${message}`}, ${updated} of ${wanted} updated`;
  return { kind: 'progressing', done: updated, total: wanted, detail, held: status?.phase === 'Paused' };
}

/** Status of a Service of Knative: complete when the newest revision is ready and the routes lead where they should. */
export function knativeStatus(object: WorkloadObject): RolloutStatus {
  const { metadata, status } = object;
  if (Number(status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) return unseen;
  const { latestCreatedRevisionName: created, latestReadyRevisionName: ready } = status ?? {};
  const whole = condition(object, 'Ready');
  if (whole?.status === 'True' && created === ready) return { kind: 'complete' };
  const configured = condition(object, 'ConfigurationsReady');
  const failed = [configured, whole].find((one) => one?.status === 'False');
  if (failed !== undefined) {
    const reason = failed.message ?? failed.reason ?? 'not ready';
    const pull = /fetch image|pull|manifest|unauthorized/i.test(reason);
    return { kind: 'stuck', reason, blame: failed === configured && !pull ? 'image' : 'environment' };
  }
  return { kind: 'progressing', done: 0, total: 1, detail: `revision ${created ?? ''} is not ready` };
}
