import { disown, getObject, jsonPatch, type PatchStep } from './calls.ts';
import { kubernetesError } from './errors.ts';
import type { ObjectMeta, Service, WorkloadObject } from './objects.ts';
import type { Run } from './run.ts';
import { detachmentFrom, notApplicable, servicesOf, twinService } from './services.ts';
import { CANARY, type Split } from './split.ts';
import { ensure, removeOurs, twinName } from './twin.ts';

const ATTEMPTS = 10;
/** Weights of an HTTPRoute are at most a million, and ours are a hundred times what was there. */
const HEAVIEST = 10_000;

interface BackendRef {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  readonly port?: number;
  readonly weight?: number;
}

interface Rule {
  readonly backendRefs?: readonly BackendRef[];
}

export interface HTTPRoute {
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly rules?: readonly Rule[] };
}

const isTo = (ref: BackendRef, service: string): boolean =>
  ref.name === service &&
  (ref.kind ?? 'Service') === 'Service' &&
  (ref.group ?? '') === '' &&
  ref.namespace === undefined;

/** As it was without us: the share of our Service goes back to the one it was taken from. */
export function withoutTwin(refs: readonly BackendRef[], service: string, twin: string): readonly BackendRef[] {
  const ours = refs.find((ref) => isTo(ref, twin));
  if (ours === undefined) return refs;
  return refs
    .filter((ref) => ref !== ours)
    .map((ref) => ({
      ...ref,
      weight: Math.round(((ref.weight ?? 1) + (isTo(ref, service) ? (ours.weight ?? 1) : 0)) / 100),
    }));
}

/** The share of one Service divided between it and our twin; other backends of the rule keep theirs. Exact: all weights times a hundred. */
export function withTwin(
  refs: readonly BackendRef[],
  service: string,
  twin: string,
  weight: number,
): readonly BackendRef[] {
  return withoutTwin(refs, service, twin).flatMap((ref) => {
    const base = ref.weight ?? 1;
    if (!isTo(ref, service)) return [{ ...ref, weight: base * 100 }];
    return [
      { ...ref, weight: base * (100 - weight) },
      { ...ref, name: twin, weight: base * weight },
    ];
  });
}

/** Weighted backends of an HTTPRoute (gateway.networking.k8s.io/v1). Its rules are one field to the server, so what is replaced is tested first. */
export async function gatewaySplit(run: Run, object: WorkloadObject, route: string): Promise<Split> {
  const read = async (): Promise<HTTPRoute> => {
    const found = await getObject<HTTPRoute>(run, 'HTTPRoute', route);
    if (found !== undefined) return found;
    throw notApplicable(
      run,
      `there is no HTTPRoute ${route} in ${run.namespace}`,
      'Name a route of gateway.networking.k8s.io/v1.',
    );
  };
  const services = await servicesOf(run, object);
  const rules = (await read()).spec?.rules ?? [];
  const service = services.find(({ metadata }) =>
    rules.some(({ backendRefs = [] }) => backendRefs.some((ref) => isTo(ref, metadata.name))),
  );
  if (service === undefined) {
    throw notApplicable(run, `no backend of HTTPRoute ${route} is a Service that leads to its pods`);
  }
  const name = service.metadata.name;
  const twin = twinName(name, CANARY);
  const whole = rules.map(({ backendRefs = [] }) => withoutTwin(backendRefs, name, twin));
  if (whole.flat().some(({ weight = 1 }) => weight > HEAVIEST)) {
    throw notApplicable(run, `HTTPRoute ${route} has weights over ${HEAVIEST}`);
  }
  const detached = await detachmentFrom(run, service, CANARY);

  const change = async (to: (refs: readonly BackendRef[]) => readonly BackendRef[]): Promise<boolean> => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const found = await getObject<HTTPRoute>(run, 'HTTPRoute', route);
      const steps = (found?.spec?.rules ?? []).flatMap(({ backendRefs = [] }, i): readonly PatchStep[] => {
        if (!backendRefs.some((ref) => isTo(ref, name) || isTo(ref, twin))) return [];
        const path = `/spec/rules/${i}/backendRefs`;
        const value = to(backendRefs);
        if (JSON.stringify(value) === JSON.stringify(backendRefs)) return [];
        return [
          { op: 'test', path, value: backendRefs },
          { op: 'replace', path, value },
        ];
      });
      if (steps.length === 0) return false;
      const patched = await jsonPatch(run, 'HTTPRoute', route, steps);
      if (patched !== 'conflict') return patched !== 'gone';
    }
    throw kubernetesError(
      'KUBERNETES_CONFLICT',
      `HTTPRoute ${run.namespace}/${route} changes faster than its weights can be set`,
    );
  };
  return {
    detached,
    prepare: async (owner) => {
      await ensure<Service>(run, owner, 'Service', twinService(run, owner, service, CANARY, detached));
    },
    share: async (weight) => void (await change((refs) => withTwin(refs, name, twin, weight))),
    restore: async () => {
      const changed = await change((refs) => withoutTwin(refs, name, twin));
      await disown(run, 'HTTPRoute', route);
      return changed;
    },
    remove: async () => await removeOurs(run, 'Service', twin),
  };
}
