import { isHeraklitError } from '../../base/index.ts';
import { jsonPatch, type PatchStep } from './calls.ts';
import { kubernetesError } from './errors.ts';
import { type LabelSelector, pathOf, ROLE, type Service, type WorkloadObject } from './objects.ts';
import { type Run, titleOf } from './run.ts';
import { looksAt, selects } from './selector.ts';
import { type Detachment, type Role, twinLabels, twinMeta, twinName } from './twin.ts';

export const podLabels = (object: WorkloadObject): Readonly<Record<string, string>> =>
  object.spec?.template?.metadata?.labels ?? {};

export const notApplicable = (run: Run, why: string, hint?: string): Error =>
  kubernetesError(
    'KUBERNETES_STRATEGY_NOT_APPLICABLE',
    `${titleOf(run)} cannot be rolled out by ${run.request.strategy?.kind ?? 'rolling'}: ${why}`,
    hint === undefined ? {} : { hint },
  );

/** Services of the namespace that lead to the workload's pods. */
export async function servicesOf(run: Run, object: WorkloadObject): Promise<readonly Service[]> {
  const services = await run.client.list<Service>(pathOf('Service', run.namespace));
  return services.filter(
    (one) => one.metadata.labels?.[ROLE] === undefined && selects(one.spec?.selector, podLabels(object)),
  );
}

interface Policy {
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly podSelector?: LabelSelector;
    readonly ingress?: readonly { readonly from?: readonly { readonly podSelector?: LabelSelector }[] }[];
    readonly egress?: readonly { readonly to?: readonly { readonly podSelector?: LabelSelector }[] }[];
  };
}

const selectorsOf = ({ spec }: Policy): readonly LabelSelector[] => [
  spec?.podSelector ?? {},
  ...(spec?.ingress ?? []).flatMap(({ from = [] }) => from.map((peer) => peer.podSelector ?? {})),
  ...(spec?.egress ?? []).flatMap(({ to = [] }) => to.map((peer) => peer.podSelector ?? {})),
];

/** Longest value of a label, less what is put behind it. */
const VALUE_LIMIT = 63;

/**
 * The label to change on copies that the Service must not reach by itself. One that a NetworkPolicy looks at is no choice:
 * copies would fall out of the policy.
 */
export async function detachmentFrom(run: Run, service: Service, role: Role): Promise<Detachment> {
  const selector = service.spec?.selector ?? {};
  const policies = await run.client.list<Policy>(pathOf('NetworkPolicy', run.namespace)).catch((error: unknown) => {
    // Who may not read policies is not told of them; docs/rollout.md says what that means.
    if (isHeraklitError(error, 'KUBERNETES_REFUSED')) return [];
    throw error;
  });
  const looked = (key: string): Policy | undefined =>
    policies.find((policy) => selectorsOf(policy).some((one) => looksAt(one, key)));
  const key = Object.keys(selector).find((one) => looked(one) === undefined);
  if (key === undefined) {
    const names = Object.keys(selector).map((one) => `${one} (NetworkPolicy ${looked(one)?.metadata.name})`);
    throw notApplicable(
      run,
      `its copies must differ in a label that Service ${service.metadata.name} selects by, and policies look at all of them: ${names.join(', ')}`,
      'Give the Service and the pods one more label that no NetworkPolicy names, or use the strategy canary by replicas.',
    );
  }
  const suffix = `-${role}`;
  const value = `${(selector[key] as string).slice(0, VALUE_LIMIT - suffix.length)}${suffix}`;
  return { key, value };
}

/** A Service like the given one that leads to our copies alone. */
export function twinService(
  run: Run,
  owner: WorkloadObject,
  service: Service,
  role: Role,
  detached: Detachment,
): object {
  const { ports = [], clusterIP } = service.spec ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: twinMeta(run, owner, role, twinName(service.metadata.name, role)),
    spec: {
      selector: twinLabels(service.spec?.selector ?? {}, role, detached),
      ports: ports.map(({ name, protocol, appProtocol, port, targetPort }) => ({
        name,
        protocol,
        appProtocol,
        port,
        targetPort,
      })),
      ...(clusterIP === 'None' ? { clusterIP } : {}),
    },
  };
}

type Selector = Readonly<Record<string, string>>;

/** Sets what a Service selects, if it selects what we believe. @returns false when it does not (any more) */
export async function switchService(run: Run, name: string, from: Selector, to: Selector): Promise<boolean> {
  const steps: readonly PatchStep[] = [
    { op: 'test', path: '/spec/selector', value: from },
    { op: 'replace', path: '/spec/selector', value: to },
  ];
  const patched = await jsonPatch(run, 'Service', name, steps);
  return typeof patched === 'object';
}
