import { isHeraklitError } from '../../base/index.ts';
import { getObject, mergePatch } from './calls.ts';
import { type ObjectMeta, pathOf, type Service, type WorkloadObject } from './objects.ts';
import type { Run } from './run.ts';
import { detachmentFrom, notApplicable, servicesOf, twinService } from './services.ts';
import { CANARY, type Split } from './split.ts';
import { ensure, removeOurs, twinMeta, twinName } from './twin.ts';

/** https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary */
const NGINX = 'nginx.ingress.kubernetes.io';
const CLASS = 'kubernetes.io/ingress.class';

interface IngressPath {
  readonly path?: string;
  readonly pathType?: string;
  readonly backend?: { readonly service?: { readonly name?: string } };
}

interface Ingress {
  readonly metadata: ObjectMeta;
  readonly spec?: {
    readonly ingressClassName?: string;
    readonly rules?: readonly { readonly host?: string; readonly http?: { readonly paths?: readonly IngressPath[] } }[];
  };
}

/** To any other controller a twin would be a second Ingress for the same host. */
async function refuseOtherControllers(run: Run, ingress: Ingress): Promise<void> {
  const name = ingress.spec?.ingressClassName ?? ingress.metadata.annotations?.[CLASS] ?? '';
  const found = await run.client
    .call({ path: pathOf('IngressClass', undefined, name), signal: run.signal })
    .then(({ status, body }) => (status === 200 ? (body as { spec?: { controller?: string } }) : undefined))
    .catch((error: unknown) => {
      if (isHeraklitError(error, 'KUBERNETES_REFUSED')) return undefined;
      throw error;
    });
  const controller = name === '' ? 'none' : (found?.spec?.controller ?? name);
  if (/nginx/.test(controller)) return;
  throw notApplicable(
    run,
    `Ingress ${ingress.metadata.name} is of the controller ${controller}, and canaries by annotation are the NGINX controller's`,
    'Use an HTTPRoute, or the split by replicas.',
  );
}

/** A second Ingress that the NGINX controller gives a weight. The first one is not touched. */
export async function ingressSplit(run: Run, object: WorkloadObject, name: string): Promise<Split> {
  const ingress = await getObject<Ingress>(run, 'Ingress', name);
  if (ingress === undefined) throw notApplicable(run, `there is no Ingress ${name} in ${run.namespace}`);
  await refuseOtherControllers(run, ingress);
  const services = await servicesOf(run, object);
  const rules = ingress.spec?.rules ?? [];
  const service = services.find(({ metadata }) =>
    rules.some(({ http }) => http?.paths?.some(({ backend }) => backend?.service?.name === metadata.name)),
  );
  if (service === undefined) throw notApplicable(run, `no path of Ingress ${name} leads to its pods`);
  const twin = twinName(service.metadata.name, CANARY);
  const twinIngress = twinName(name, CANARY);
  const detached = await detachmentFrom(run, service, CANARY);
  const body = (owner: WorkloadObject): object => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      ...twinMeta(run, owner, CANARY, twinIngress),
      annotations: {
        [`${NGINX}/canary`]: 'true',
        [`${NGINX}/canary-weight`]: '0',
        ...(ingress.metadata.annotations?.[CLASS] === undefined
          ? {}
          : { [CLASS]: ingress.metadata.annotations[CLASS] }),
      },
    },
    spec: {
      ...(ingress.spec?.ingressClassName === undefined ? {} : { ingressClassName: ingress.spec.ingressClassName }),
      rules: rules.flatMap((rule) => {
        const paths = (rule.http?.paths ?? []).filter(
          ({ backend }) => backend?.service?.name === service.metadata.name,
        );
        if (paths.length === 0) return [];
        const led = paths.map((path) => ({ ...path, backend: { service: { ...path.backend?.service, name: twin } } }));
        return [{ ...rule, http: { ...rule.http, paths: led } }];
      }),
    },
  });
  const weigh = async (weight: number): Promise<boolean> => {
    const metadata = { annotations: { [`${NGINX}/canary-weight`]: String(weight) } };
    return (await mergePatch(run, 'Ingress', twinIngress, { metadata })) !== 'gone';
  };
  return {
    detached,
    prepare: async (owner) => {
      await ensure<Service>(run, owner, 'Service', twinService(run, owner, service, CANARY, detached));
      await ensure<Ingress>(run, owner, 'Ingress', body(owner));
    },
    share: async (weight) => void (await weigh(weight)),
    restore: async () => await weigh(0),
    remove: async () => {
      await removeOurs(run, 'Ingress', twinIngress);
      await removeOurs(run, 'Service', twin);
    },
  };
}
