import { distroError } from '../errors.ts';
import type { Relation, RepositoryPackage } from '../types.ts';
import { sourceOf } from './package.ts';
import { safePath } from './repomd.ts';
import { walkXml, type XmlAttributes } from './xml.ts';

/** Packages of one repository; the largest has 100,000. */
const MAX_PACKAGES = 2_000_000;
const MAX_OBSOLETES = 10_000;
/** Of one package: the largest (languages, fonts, TeX) provide some 20,000 names. */
const MAX_RELATIONS = 100_000;

const OPERATORS: Readonly<Record<string, Relation['operator']>> = { LT: '<<', LE: '<=', EQ: '=', GE: '>=', GT: '>>' };

/** A package of primary.xml as it is kept: in the order of the fields below, so that a cache of them stays small. */
export type PrimaryRow = readonly [
  name: string,
  evr: string,
  architecture: string,
  sourceRpm: string,
  path: string,
  size: number,
  sha256: string,
  installedSize: number,
  group: string,
  /** Seconds since the epoch: when it came into the repository. */
  published: number,
  obsoletes: readonly Relation[],
  /** Left out where nobody solves: half of an index's bytes are these. */
  relations?: PrimaryRelations,
];

/** What a package needs and answers to; files that an index names among what it provides. */
export interface PrimaryRelations {
  readonly requires: readonly Relation[];
  readonly provides: readonly Relation[];
}

interface Draft {
  name: string;
  evr: string;
  architecture: string;
  sourceRpm: string;
  path: string;
  size: number;
  sha256: string;
  checksumType: string;
  installedSize: number;
  group: string;
  published: number;
  obsoletes: Relation[];
  requires: Relation[];
  provides: Relation[];
  isIn: string;
}

const KEPT: ReadonlySet<string> = new Set(['name', 'arch', 'checksum', 'group', 'sourcerpm']);
const KEPT_FOR_SOLVING: ReadonlySet<string> = new Set([...KEPT, 'file']);

const count = (text: string | undefined): number => (/^\d{1,15}$/.test(text ?? '') ? Number(text) : 0);

/** `[epoch:]version-release`, without an epoch of 0, as everywhere. */
export function evrOfAttributes({ epoch = '0', ver = '', rel }: XmlAttributes): string {
  const version = rel === undefined || rel === '' ? ver : `${ver}-${rel}`;
  return /^0*$/.test(epoch) ? version : `${epoch}:${version}`;
}

const newDraft = (): Draft => ({
  ...{ name: '', evr: '', architecture: '', sourceRpm: '', path: '', size: 0, sha256: '', checksumType: '' },
  ...{ installedSize: 0, group: '', published: 0, obsoletes: [], requires: [], provides: [], isIn: '' },
});

function openElement(draft: Draft, name: string, attributes: XmlAttributes): void {
  switch (name) {
    case 'version':
      draft.evr = evrOfAttributes(attributes);
      break;
    case 'checksum':
      draft.checksumType = attributes.type ?? '';
      break;
    case 'time':
      draft.published = count(attributes.file) || count(attributes.build);
      break;
    case 'size':
      draft.size = count(attributes.package);
      draft.installedSize = Math.ceil(count(attributes.installed) / 1024);
      break;
    case 'location':
      draft.path = safePath(attributes.href ?? '') ?? '';
      break;
    case 'provides':
    case 'requires':
    case 'conflicts':
    case 'obsoletes':
      draft.isIn = name;
      break;
    case 'entry':
      if (draft.isIn === 'obsoletes' && draft.obsoletes.length < MAX_OBSOLETES) {
        draft.obsoletes.push(relationOf(attributes));
      } else if (draft.isIn === 'requires' || draft.isIn === 'provides') {
        const list = draft[draft.isIn];
        // What rpm itself must be able to do is rpm's to check.
        if (list.length < MAX_RELATIONS && !/^rpmlib\(/.test(attributes.name ?? '')) list.push(relationOf(attributes));
      }
  }
}

function relationOf(attributes: XmlAttributes): Relation {
  const { name = '', flags = '' } = attributes;
  const operator = OPERATORS[flags];
  return operator === undefined ? { name } : { name, operator, version: evrOfAttributes(attributes) };
}

function closeElement(draft: Draft, name: string, text: string): void {
  if (name === 'name') draft.name = text;
  else if (name === 'arch') draft.architecture = text;
  else if (name === 'checksum') draft.sha256 = draft.checksumType === 'sha256' ? text.toLowerCase() : '';
  else if (name === 'group') draft.group = text;
  else if (name === 'sourcerpm') draft.sourceRpm = text;
  else if (name === 'file' && draft.provides.length < MAX_RELATIONS) draft.provides.push({ name: text });
}

/**
 * Packages of a primary.xml. Source packages are left out; one without name, version or architecture is passed over.
 * @param solving with what they need and answer to
 * @throws DISTRO_INDEX_INVALID
 */
export async function readPrimary(bytes: Uint8Array, what: string, solving = false): Promise<readonly PrimaryRow[]> {
  const rows: PrimaryRow[] = [];
  let draft: Draft | undefined;
  let root = '';
  await walkXml(bytes, what, solving ? KEPT_FOR_SOLVING : KEPT, {
    open: (name, attributes, depth) => {
      if (depth === 0) root = name;
      if (depth === 1 && name === 'package') draft = newDraft();
      else if (draft !== undefined) openElement(draft, name, attributes);
    },
    close: (name, text, depth) => {
      if (draft === undefined) return;
      if (depth !== 1) {
        closeElement(draft, name, text);
        return;
      }
      const row = rowOf(draft, solving);
      if (row !== undefined) rows.push(row);
      draft = undefined;
      if (rows.length > MAX_PACKAGES) {
        throw distroError('DISTRO_INDEX_INVALID', `${what} lists more than ${MAX_PACKAGES} packages`);
      }
    },
  });
  if (root !== 'metadata') throw distroError('DISTRO_INDEX_INVALID', `${what} is no primary.xml`);
  return rows;
}

function rowOf(draft: Draft, solving: boolean): PrimaryRow | undefined {
  const { name, evr, architecture, sourceRpm, path, size, sha256, installedSize, group, published, obsoletes } = draft;
  if (name === '' || evr === '' || architecture === '') return undefined;
  if (architecture === 'src' || architecture === 'nosrc') return undefined;
  const { requires, provides } = draft;
  const row = [name, evr, architecture, sourceRpm, path, size, sha256, installedSize, group, published] as const;
  return solving ? [...row, obsoletes, { requires, provides }] : [...row, obsoletes];
}

/** A row as packages of all families look. Of the relations only `replaces` (Obsoletes) is there, unless it was read for solving. */
export function packageOfRow(
  row: PrimaryRow,
  { repository, security, module }: Pick<RepositoryPackage, 'repository' | 'security' | 'module'>,
): RepositoryPackage {
  const [name, version, architecture, sourceRpm, filename, size, sha256, installedSize, section, , obsoletes] = row;
  const none = { preDepends: [], recommends: [], conflicts: [], breaks: [] };
  const { requires = [], provides = [] } = row[11] ?? {};
  const depends = requires.map((relation) => [relation]);
  return {
    ...{ name, version, architecture, source: sourceOf(sourceRpm, name, version), repository, security },
    ...{ essential: false, priority: '', section, multiArch: 'no' as const },
    relations: { ...none, depends, provides, replaces: obsoletes.map((relation) => [relation]) },
    ...{ filename, size, sha256, installedSize },
    ...(module === undefined ? {} : { module }),
  };
}
