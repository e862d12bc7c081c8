import { isMap, isScalar, isSeq, parseAllDocuments } from 'yaml';
import { messageOf } from '../../base/index.ts';
import type { PrimaryRow } from '../../distro/index.ts';
import { feedError } from '../errors.ts';

/** Bytes of an unpacked modules.yaml; RHEL 8's has 15 MiB. */
const MAX_MODULES_BYTES = 64 * 1024 * 1024;

/** Packages of one stream of a module: `[stream, NEVRAs]`. */
export type ModuleArtifacts = readonly (readonly [stream: string, packages: readonly string[]])[];

const text = (node: unknown): string => (isScalar(node) ? String(node.value) : '');

function artifactsOf(document: unknown): ModuleArtifacts[number] | undefined {
  if (!isMap(document) || text(document.get('document', true)) !== 'modulemd') return undefined;
  const data = document.get('data', true);
  if (!isMap(data)) return undefined;
  // As it is written: a stream 1.10 is not the number 1.1.
  const [name, stream] = [sourceOf(data.get('name', true)), sourceOf(data.get('stream', true))];
  const packages = data.getIn(['artifacts', 'rpms'], true);
  if (name === '' || stream === '' || !isSeq(packages)) return undefined;
  return [`${name}:${stream}`, packages.items.map(text)];
}

const sourceOf = (node: unknown): string => (isScalar(node) ? (node.source ?? String(node.value)) : '');

/**
 * Which packages of a repository belong to which stream (modulemd, version 2). Documents of other kinds (defaults,
 * obsoletes, translations) say nothing about packages.
 *
 * @throws FEED_MODULES_INVALID
 * @see https://github.com/fedora-modularity/libmodulemd/blob/main/yaml_specs/modulemd_stream_v2.yaml
 */
export async function readModules(bytes: Uint8Array, what: string): Promise<ModuleArtifacts> {
  const invalid = (why: string): Error =>
    feedError('FEED_MODULES_INVALID', `${what} ${why}`, {
      hint: 'The mirror is broken or in the middle of an update: try again, or name another mirror.',
    });
  if (bytes.byteLength > MAX_MODULES_BYTES) throw invalid(`has ${bytes.byteLength} bytes`);
  try {
    // Read as nodes, never as values: no alias is followed, no number or date looked for, no key compared with all others.
    const documents = parseAllDocuments(Buffer.from(bytes).toString('utf8'), {
      schema: 'failsafe',
      uniqueKeys: false,
      logLevel: 'silent',
    });
    if (!Array.isArray(documents)) return [];
    const [error] = documents.flatMap(({ errors }) => errors);
    if (error !== undefined) throw error;
    return documents.flatMap(({ contents }) => {
      const found = artifactsOf(contents);
      return found === undefined ? [] : [found];
    });
  } catch (error) {
    throw invalid(`is not readable: ${messageOf(error)}`);
  }
}

/** Stream by package, for rows of the same repository. */
export function streamLookup(modules: ModuleArtifacts): (row: PrimaryRow) => string | undefined {
  const byPackage = new Map(modules.flatMap(([stream, packages]) => packages.map((nevra) => [nevra, stream] as const)));
  return ([name, evr, architecture]) =>
    byPackage.get(`${name}-${/^\d+:/.test(evr) ? evr : `0:${evr}`}.${architecture}`);
}
