import { createHmac, randomBytes } from 'node:crypto';
import type { Document } from 'yaml';
import { FOREIGN_KINDS, type RunKind, WORKLOAD_KINDS } from '../kubernetes/objects.ts';
import { isMap } from './values.ts';

/** Objects of one release; the largest charts make some hundred. */
const MAX_OBJECTS = 10_000;

type ManifestObject = Readonly<Record<string, unknown>>;

/** Undefined where it is no object: scalars, errors, aliases of nothing or of too much. */
function objectIn(document: Document): ManifestObject | undefined {
  if (document.errors.length > 0) return undefined;
  try {
    const value: unknown = document.toJS({ maxAliasCount: 1_000 });
    return isMap(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The objects of a manifest; what is no object, or no YAML to us, is left out: helm and the API server judge it. */
async function objectsOf(manifest: string): Promise<readonly ManifestObject[]> {
  const { parseAllDocuments } = await import('yaml');
  const documents: readonly Document[] = [...parseAllDocuments(manifest, { logLevel: 'silent' })].slice(0, MAX_OBJECTS);
  return documents.map(objectIn).filter((one) => one !== undefined);
}

const mapAt = (value: unknown, ...path: readonly string[]): ManifestObject =>
  path.reduce<ManifestObject>(
    (holder, key) => (isMap(holder[key]) ? (holder[key] as ManifestObject) : {}),
    isMap(value) ? value : {},
  );

export interface MadeWorkload {
  readonly kind: RunKind;
  readonly namespace: string;
  readonly name: string;
}

const KINDS: readonly string[] = [...WORKLOAD_KINDS, ...FOREIGN_KINDS];

/** Workloads that a release makes. @param namespace of the release: objects mostly name none */
export async function workloadsOf(manifest: string, namespace: string): Promise<readonly MadeWorkload[]> {
  return (await objectsOf(manifest)).flatMap((object) => {
    const { kind } = object;
    const own = mapAt(object, 'metadata');
    const knative = kind === 'Service' && String(object.apiVersion).startsWith('serving.knative.dev/');
    const known = knative ? 'KnativeService' : kind;
    if (typeof own.name !== 'string' || typeof known !== 'string' || !KINDS.includes(known)) return [];
    return [
      {
        kind: known as RunKind,
        name: own.name,
        namespace: typeof own.namespace === 'string' ? own.namespace : namespace,
      },
    ];
  });
}

/** Where labels stand: of the object, of its pods, and in what selects them. */
const LABELS = [
  ['metadata', 'labels'],
  ['spec', 'selector', 'matchLabels'],
  ['spec', 'template', 'metadata', 'labels'],
  ['spec', 'jobTemplate', 'metadata', 'labels'],
  ['spec', 'jobTemplate', 'spec', 'template', 'metadata', 'labels'],
] as const;

/** Labels whose value holds this text, `Deployment web: metadata.labels.app.kubernetes.io/version`. */
export async function labelsWith(manifest: string, text: string): Promise<readonly string[]> {
  return (await objectsOf(manifest)).flatMap((object) =>
    LABELS.flatMap((path) =>
      Object.entries(mapAt(object, ...path))
        .filter(([, value]) => typeof value === 'string' && value.includes(text))
        .map(([label]) => `${object.kind} ${mapAt(object, 'metadata').name}: ${path.join('.')}.${label}`),
    ),
  );
}

/** Of this process: what a short hash says cannot be found again by guessing. */
const KEY = randomBytes(32);

const SECRET = /^\{?\s*["']?kind["']?:\s*["']?Secret\b/m;
const DOCUMENT = /^---[^\n]*\n/m;

/** The manifest with a short hash in place of each value of a Secret: whether one changes is seen, what it is is not. */
export async function maskSecrets(manifest: string): Promise<string> {
  const parts = manifest.split(DOCUMENT);
  if (!parts.some((part) => SECRET.test(part))) return manifest;
  const { parseDocument, stringify } = await import('yaml');
  const hidden = (text: unknown): string =>
    `*** ${createHmac('sha256', KEY)
      .update(JSON.stringify(text) ?? '')
      .digest('hex')
      .slice(0, 12)}`;
  const masked = parts.map((part) => {
    if (!SECRET.test(part)) return part;
    const value = objectIn(parseDocument(part, { logLevel: 'silent' }));
    if (value === undefined) return '# a Secret that is no YAML\n';
    const shown = Object.entries(value).map(([key, held]) => {
      if (key !== 'data' && key !== 'stringData') return [key, held];
      return [
        key,
        isMap(held) ? Object.fromEntries(Object.entries(held).map(([name, one]) => [name, hidden(one)])) : '***',
      ];
    });
    return stringify(Object.fromEntries(shown));
  });
  return masked.join('---\n');
}
