import { decompressBuffer } from '../../archive/index.ts';
import { isHeraklitError, messageOf } from '../../base/index.ts';
import { distroError } from '../errors.ts';
import type { PackageRelations, RepositoryPackage, RepositorySnapshot, SourcePackage } from '../types.ts';
import { ADB_SCHEMA, isAdb, readAdb } from './adb-file.ts';
import { infoReader } from './adb-package.ts';
import { ApkRelations, type ApkRelationTexts } from './dependencies.ts';
import { type ApkKeyring, verifyAdbSignature, verifySignature } from './keyring.ts';
import { type ApkRecord, MAX_RECORDS_BYTES, numberOf, readRecords } from './records.ts';
import { splitSignatures, tarEntries } from './signed-archive.ts';

/** The part of a snapshot that its packages repeat. */
export type ApkIndexOrigin = Pick<RepositorySnapshot, 'id' | 'security' | 'architecture'> & {
  /** Folder of the repository below the mirror's root, without trailing `/`; '' where it is the root. */
  readonly folder: string;
};

export interface OpenIndexOptions {
  /** Undefined: a repository that is taken unsigned. */
  readonly keyring: ApkKeyring | undefined;
  /** Names the index in messages. */
  readonly what: string;
}

/** A package index, its signature checked. */
export interface ApkIndex {
  /** What the distribution calls this state: `v3.22.1-120-g1234567`. */
  readonly description: string;
  /** Name of the key; '' where none was asked for. */
  readonly signedBy: string;
  /** Seconds since the epoch: when its newest package was built, as an index has no date. */
  readonly date: number;
  readonly packages: readonly RepositoryPackage[];
  /** Packages left out, for people. */
  readonly problems: readonly string[];
}

const MAX_PROBLEMS = 20;
/** Both stand in the path of the package. Old ones have versions that apk 3 no longer takes for one (`1.9.5p2-r0`). */
const WORD = /^[A-Za-z0-9][A-Za-z0-9._+~:-]*$/;

/** What both formats say of one package. */
interface Row {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly origin: string;
  readonly size: number;
  readonly installedSize: number;
  readonly buildTime: number;
  /** Hexadecimal. */
  readonly hash: string;
  readonly depends: string | undefined;
  readonly provides: string | undefined;
  readonly installIf: string | undefined;
  readonly providerPriority: number;
}

/** No more of the row than is needed: an index has tens of thousands. */
const textsOf = ({ depends, provides, installIf }: Row): ApkRelationTexts => ({
  depends: depends === '' ? undefined : depends,
  provides: provides === '' ? undefined : provides,
  installIf: installIf === '' ? undefined : installIf,
});

class IndexedPackage implements RepositoryPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: SourcePackage;
  readonly repository: string;
  readonly security: boolean;
  readonly essential = false;
  readonly priority = 'optional';
  readonly section = '';
  readonly multiArch = 'no';
  readonly relations: PackageRelations;
  readonly filename: string;
  readonly size: number;
  // An index has no hash of the file: the package's own hashes hang on `identity`.
  readonly sha256 = '';
  readonly installedSize: number;
  readonly identity: string;
  readonly built: number;

  constructor(row: Row, origin: ApkIndexOrigin, filename: string) {
    this.name = row.name;
    this.version = row.version;
    this.architecture = row.architecture === '' ? origin.architecture : row.architecture;
    this.source = { name: row.origin === '' ? row.name : row.origin, version: row.version };
    this.repository = origin.id;
    this.security = origin.security;
    this.relations = new ApkRelations(textsOf(row), row.providerPriority);
    this.filename = filename;
    this.size = row.size;
    this.installedSize = Math.ceil(row.installedSize / 1024);
    this.identity = row.hash;
    this.built = row.buildTime;
  }
}

/** `Q1` and base64 (SHA-1) or `X1` and hexadecimal. */
function hashOf(text: string | undefined): string {
  if (text?.startsWith('Q')) return Buffer.from(text.slice(2), 'base64').toString('hex');
  return text?.startsWith('X') ? text.slice(2) : '';
}

const rowOf = (record: ApkRecord): Row => ({
  name: record.get('P') ?? '',
  version: record.get('V') ?? '',
  architecture: record.get('A') ?? '',
  origin: record.get('o') ?? '',
  size: numberOf(record.get('S')),
  installedSize: numberOf(record.get('I')),
  buildTime: numberOf(record.get('t')),
  hash: hashOf(record.get('C')),
  depends: record.get('D'),
  provides: record.get('p'),
  installIf: record.get('i'),
  providerPriority: numberOf(record.get('k')),
});

/** Rows that name a package that could be fetched. */
function gather(rows: Iterable<Row>, origin: ApkIndexOrigin, fileName: (row: Row) => string) {
  const packages: RepositoryPackage[] = [];
  const problems: string[] = [];
  let left = 0;
  let date = 0;
  for (const row of rows) {
    if (WORD.test(row.name) && WORD.test(row.version)) {
      const file = fileName(row);
      packages.push(new IndexedPackage(row, origin, origin.folder === '' ? file : `${origin.folder}/${file}`));
      if (row.buildTime > date) date = row.buildTime;
    } else {
      left += 1;
      if (left <= MAX_PROBLEMS) problems.push(`${row.name} ${row.version}: no name and version of a package`);
    }
  }
  if (left > MAX_PROBLEMS) problems.push(`and ${left - MAX_PROBLEMS} more packages`);
  return { packages, problems, date };
}

/**
 * `${name}-${version}.apk` and its like: variables in braces, some cut to a length. A text that leads out of the
 * repository is none.
 */
function expand(spec: string, row: Row): string {
  const { name, version, architecture, hash } = row;
  const values: Readonly<Record<string, string>> = { name, version, arch: architecture, hash };
  const path = spec.replaceAll(/\$\{([a-z]+)(?::(\d{1,3}))?\}/g, (_, key: string, length?: string) => {
    const value = values[key] ?? '';
    return length === undefined ? value : value.slice(0, Number(length));
  });
  return path.startsWith('/') || path.includes(':') || path.split('/').includes('..') ? '' : path;
}

async function openText(
  bytes: Uint8Array,
  origin: ApkIndexOrigin,
  { keyring, what }: OpenIndexOptions,
): Promise<ApkIndex> {
  const { signatures, rest } = splitSignatures(bytes);
  const signedBy = keyring === undefined ? '' : verifySignature(rest, signatures, keyring, what);
  const content = await decompressBuffer(rest, 'gzip', { maxBytes: MAX_RECORDS_BYTES });
  const entries = new Map<string, Buffer>();
  for (const { path, content: file } of tarEntries(content)) entries.set(path, file);
  const index = entries.get('APKINDEX');
  if (index === undefined) throw new Error('there is no APKINDEX in it');
  const broken: string[] = [];
  const records = readRecords(
    index,
    what,
    ({ line }) => broken.length < MAX_PROBLEMS && broken.push(`line ${line} is no field`),
  );
  const rows = (function* (): Generator<Row, void> {
    for (const record of records) yield rowOf(record);
  })();
  const gathered = gather(rows, origin, (row) => `${origin.architecture}/${row.name}-${row.version}.apk`);
  const description = (entries.get('DESCRIPTION') ?? Buffer.alloc(0)).toString('utf8', 0, 200).trim();
  return { ...gathered, description, signedBy, problems: [...broken, ...gathered.problems] };
}

const INDEX = { description: 1, packages: 2, nameSpec: 3 } as const;

function openAdb(bytes: Uint8Array, origin: ApkIndexOrigin, { keyring, what }: OpenIndexOptions): ApkIndex {
  const file = readAdb(bytes, ADB_SCHEMA.index, what);
  const signedBy = keyring === undefined ? '' : verifyAdbSignature(file, keyring, what);
  const { values } = file;
  const root = values.slots(values.root);
  const infoOf = infoReader(values);
  const spec = values.text(root.get(INDEX.nameSpec)) || `${origin.architecture}/\${name}-\${version}.apk`;
  const rows = (function* (): Generator<Row, void> {
    for (const item of values.slots(root.get(INDEX.packages)).items()) {
      const info = infoOf(item);
      yield { ...info, size: info.fileSize };
    }
  })();
  const gathered = gather(rows, origin, (row) => expand(spec, row));
  return { ...gathered, description: values.text(root.get(INDEX.description)), signedBy };
}

/**
 * Opens APKINDEX.tar.gz (v2) or Packages.adb (v3), whichever it is, and checks its signature before anything in it is
 * believed.
 *
 * @throws DISTRO_INDEX_UNSIGNED, DISTRO_INDEX_INVALID, DISTRO_ADB_INVALID, DISTRO_CONTROL_LIMIT
 * @see https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/master/doc/apk-repositories.5.scd
 */
export async function openApkIndex(
  bytes: Uint8Array,
  origin: ApkIndexOrigin,
  options: OpenIndexOptions,
): Promise<ApkIndex> {
  if (isAdb(bytes)) return openAdb(bytes, origin, options);
  try {
    return await openText(bytes, origin, options);
  } catch (error) {
    if (isHeraklitError(error) && error.code.startsWith('DISTRO_')) throw error;
    throw distroError('DISTRO_INDEX_INVALID', `${options.what} is no package index: ${messageOf(error)}`, {
      cause: error,
      hint: 'The mirror is broken, in the middle of an update, or this is no apk repository.',
    });
  }
}
