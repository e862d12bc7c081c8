import { setTimeout as sleep } from 'node:timers/promises';

type Call = (method: string, path: string, body?: unknown) => Promise<{ readonly status: number }>;

interface Definition {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

/**
 * What is in them is taken as it comes: lists are then one field to the server, which is the harder case.
 */
const DEFINITIONS: Readonly<Record<string, Definition>> = {
  HTTPRoute: { group: 'gateway.networking.k8s.io', version: 'v1', plural: 'httproutes', kind: 'HTTPRoute' },
  Rollout: { group: 'argoproj.io', version: 'v1alpha1', plural: 'rollouts', kind: 'Rollout' },
  KnativeService: { group: 'serving.knative.dev', version: 'v1', plural: 'services', kind: 'Service' },
};

/** Installs a definition and waits until its resource is served. */
export async function define(call: Call, name: string): Promise<void> {
  const definition = DEFINITIONS[name];
  if (definition === undefined) throw new Error(`no definition of ${name}`);
  const { group, version, plural, kind } = definition;
  await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // What is of k8s.io wants to be told that this was looked at.
      annotations: { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api' },
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  });
  while ((await call('GET', `/apis/${group}/${version}/${plural}`)).status !== 200) await sleep(100);
}
