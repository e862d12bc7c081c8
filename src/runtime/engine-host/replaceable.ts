import type { EngineApi } from './api.ts';
import type { ContainerInspect } from './api-types.ts';
import { engineHostError } from './errors.ts';
import { Label } from './labels.ts';
import { labelsOf, nameOf, type Replica } from './replica.ts';
import { systemdPlan, unitOf } from './systemd.ts';

/** Inspections side by side: a host may have hundreds of containers. */
const AT_ONCE = 8;

const joins = ({ HostConfig }: ContainerInspect, { Id }: ContainerInspect): boolean =>
  [HostConfig.NetworkMode, HostConfig.PidMode, HostConfig.IpcMode].some((mode) => mode === `container:${Id}`);

/** Containers that live in the namespaces of these: they would go on in those of a container that is gone. */
async function dependents(api: EngineApi, replicas: readonly Replica[]): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const all = (await api.list()).filter(({ Labels }) => Labels?.[Label.owner] === undefined);
  for (let i = 0; i < all.length; i += AT_ONCE) {
    const others = await Promise.all(all.slice(i, i + AT_ONCE).map(async ({ Id }) => await api.inspect(Id)));
    for (const other of others) {
      const host = other === undefined ? undefined : replicas.find(({ current }) => joins(other, current));
      if (other !== undefined && host !== undefined) found.set(host.name, nameOf(other));
    }
  }
  return found;
}

function refuse(name: string, why: string, hint: string) {
  return engineHostError('ENGINE_HOST_NOT_REPLACEABLE', `${name} is not replaced: ${why}`, { hint });
}

/**
 * Refuses what somebody else makes again by other rules, or what others live in.
 * @throws ENGINE_HOST_NOT_REPLACEABLE
 */
export async function refuseUnreplaceable(api: EngineApi, replicas: readonly Replica[], image: string): Promise<void> {
  for (const { name, current } of replicas) {
    const unit = unitOf(labelsOf(current));
    if (unit !== undefined) throw refuse(name, `systemd's unit ${unit.name} makes it`, systemdPlan(unit, image));
    const pod = await api.podOf(current.Id);
    if (pod !== undefined) {
      throw refuse(
        name,
        `it shares the namespaces of pod ${pod}`,
        'Replace the pod as a whole: `podman kube play --replace`.',
      );
    }
  }
  for (const [name, other] of await dependents(api, replicas)) {
    throw refuse(
      name,
      `${other} lives in its network or process namespace (network_mode: service:…)`,
      'Let compose recreate both, with the new image in its file; then heraklit has nothing to do.',
    );
  }
}
