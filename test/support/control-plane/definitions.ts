import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';

type Call = (method: string, path: string, body?: unknown) => Promise<{ readonly status: number }>;

interface Definition {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

/** A folder of definitions as their projects publish them (YAML), with schemas, defaults and rules; see below without. */
export const DEFINITIONS_VARIABLE = 'HERAKLIT_TEST_CRDS';

const DEFINITIONS: Readonly<Record<string, Definition>> = {
  HTTPRoute: { group: 'gateway.networking.k8s.io', version: 'v1', plural: 'httproutes', kind: 'HTTPRoute' },
  Rollout: { group: 'argoproj.io', version: 'v1alpha1', plural: 'rollouts', kind: 'Rollout' },
  KnativeService: { group: 'serving.knative.dev', version: 'v1', plural: 'services', kind: 'Service' },
};

/** One that takes what comes: lists are then one field to the server, which is the harder case. */
const loose = ({ group, version, plural, kind }: Definition): object => ({
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

interface Published {
  readonly kind?: string;
  readonly metadata: { readonly name: string };
}

/** The definition of that name in the folder's files; undefined where no folder is named. @throws when it has none */
async function published(name: string, folder = process.env[DEFINITIONS_VARIABLE]): Promise<object | undefined> {
  if (folder === undefined || folder === '') return undefined;
  for (const file of await readdir(folder)) {
    if (!/\.ya?ml$/.test(file)) continue;
    for (const document of parseAllDocuments(await readFile(join(folder, file), 'utf8'))) {
      const object = document.toJS() as Published | null;
      if (object?.kind === 'CustomResourceDefinition' && object.metadata.name === name) return object;
    }
  }
  throw new Error(`no CustomResourceDefinition ${name} in ${folder}`);
}

/** Installs a definition and waits until its resource is served. */
export async function define(call: Call, name: string): Promise<void> {
  const definition = DEFINITIONS[name];
  if (definition === undefined) throw new Error(`no definition of ${name}`);
  const { group, version, plural } = definition;
  const object = (await published(`${plural}.${group}`)) ?? loose(definition);
  const { status } = await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', object);
  if (status !== 201 && status !== 409) throw new Error(`${plural}.${group} was not taken: ${status}`);
  while ((await call('GET', `/apis/${group}/${version}/${plural}`)).status !== 200) await sleep(100);
}
