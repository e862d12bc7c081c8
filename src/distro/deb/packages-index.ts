import type { PackageRelations, RepositoryPackage, RepositorySnapshot, SourcePackage } from '../types.ts';
import { type ControlProblem, controlText, skipBlankLines, stanzaEnd } from './control.ts';
import { INDEX_FIELDS, parseCount, parseMultiArch, parseSource } from './fields.ts';
import { LazyRelations } from './relations.ts';

/** The part of a snapshot that its packages repeat. */
export type IndexOrigin = Pick<RepositorySnapshot, 'id' | 'security'>;

/** Values of one package in the order of INDEX_FIELDS; '' where absent. */
export type IndexRow = readonly string[];

const FIRST_RELATION = 12;

/** (length, first letter, last letter) tells apart every field wanted and nearly every other one. */
const signature = (length: number, first: number, last: number): number =>
  ((first | 32) << 16) | ((last | 32) << 8) | (length & 255);

const WANTED = new Map(
  INDEX_FIELDS.map((name, column) => [
    signature(name.length, name.charCodeAt(0), name.charCodeAt(name.length - 1)),
    { column, name: name.toLowerCase() },
  ]),
);

class IndexedPackage implements RepositoryPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: SourcePackage;
  readonly repository: string;
  readonly security: boolean;
  readonly essential: boolean;
  readonly priority: string;
  readonly section: string;
  readonly multiArch: RepositoryPackage['multiArch'];
  readonly relations: PackageRelations;
  readonly filename: string;
  readonly size: number;
  readonly sha256: string;
  readonly installedSize: number;

  constructor(row: IndexRow, relations: readonly string[] | string, origin: IndexOrigin) {
    const [name = '', version = '', architecture = '', source, essential, priority, section, multiArch] = row;
    this.name = name;
    this.version = version;
    this.architecture = architecture;
    this.source = parseSource(source, name, version);
    this.repository = origin.id;
    this.security = origin.security;
    this.essential = essential === 'yes';
    this.priority = priority || 'optional';
    this.section = section ?? '';
    this.multiArch = parseMultiArch(multiArch);
    this.relations = new LazyRelations(relations);
    this.filename = row[8] ?? '';
    this.size = parseCount(row[9]);
    this.sha256 = row[10] ?? '';
    this.installedSize = parseCount(row[11]);
  }
}

/** One row as a line of a cache: values joined by tabs, which no value of a row holds. */
export function rowToLine(row: IndexRow): string {
  return row.join('\t');
}

/**
 * The packages of such lines joined by newlines. Relations stay one text until somebody asks for them, and nothing is
 * copied that a slice can name: this runs over 60,000 packages at the start of every command.
 */
export function packagesOfLines(text: string, origin: IndexOrigin): RepositoryPackage[] {
  const packages: RepositoryPackage[] = [];
  const row: string[] = new Array<string>(FIRST_RELATION).fill('');
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    let from = start;
    for (let column = 0; column < FIRST_RELATION; column += 1) {
      const tab = text.indexOf('\t', from);
      const stop = tab < 0 || tab > end ? end : tab;
      row[column] = from < stop ? text.slice(from, stop) : '';
      from = Math.min(stop + 1, end);
    }
    packages.push(new IndexedPackage(row, text.slice(from, end), origin));
    start = end + 1;
  }
  return packages;
}

/** Folded values and tabs (legal, though no archive writes them) become single blanks. */
const oneLine = (value: string): string =>
  value.includes('\n') || value.includes('\t') ? value.replace(/\s*[\n\t]\s*/g, ' ').trim() : value;

function scanRow(text: string, start: number, end: number): string[] {
  const row: string[] = new Array<string>(INDEX_FIELDS.length).fill('');
  for (let line = start; line < end; ) {
    let lineEnd = text.indexOf('\n', line);
    if (lineEnd < 0 || lineEnd > end) lineEnd = end;
    while (lineEnd < end && (text.charCodeAt(lineEnd + 1) === 32 || text.charCodeAt(lineEnd + 1) === 9)) {
      const next = text.indexOf('\n', lineEnd + 1);
      lineEnd = next < 0 || next > end ? end : next;
    }
    let colon = line;
    while (colon < lineEnd && text.charCodeAt(colon) !== 58) colon += 1;
    const wanted = WANTED.get(signature(colon - line, text.charCodeAt(line), text.charCodeAt(colon - 1)));
    if (wanted !== undefined && text.slice(line, colon).toLowerCase() === wanted.name) {
      row[wanted.column] = oneLine(text.slice(colon + 1, lineEnd).trim());
    }
    line = lineEnd + 1;
  }
  return row;
}

const SHA256 = /^[0-9a-f]{64}$/;

/** Undefined when the row names a package that can be fetched and verified, else what is missing. */
function rowProblem(row: IndexRow): string | undefined {
  if (row[0] === '' || row[1] === '' || row[2] === '') return 'Package, Version or Architecture missing';
  if (!SHA256.test(row[10] ?? '')) return `${row[0]} ${row[1]}: no SHA256`;
  if (!isSafePath(row[8] ?? '')) return `${row[0]} ${row[1]}: Filename missing or outside the repository`;
  return undefined;
}

const isSafePath = (path: string): boolean =>
  path !== '' && !path.startsWith('/') && !path.includes('\\') && !path.split('/').includes('..');

/**
 * Rows of a Packages index, without what heraklit never asks for (descriptions, tags).
 * A stanza that names no fetchable, verifiable package is skipped and reported.
 */
export function* packageRows(
  bytes: Uint8Array,
  what: string,
  report: (problem: ControlProblem) => void = () => {},
): Generator<IndexRow, void> {
  const text = controlText(bytes, what);
  for (let start = skipBlankLines(text, 0); start < text.length; ) {
    const end = stanzaEnd(text, start);
    const row = scanRow(text, start, end);
    const problem = rowProblem(row);
    if (problem === undefined) yield row;
    else report({ line: 0, message: `${what}: ${problem}` });
    start = skipBlankLines(text, end + 1);
  }
}

/**
 * All packages of a Packages index (uncompressed).
 *
 * @throws DISTRO_CONTROL_LIMIT
 * @see https://wiki.debian.org/DebianRepository/Format#A.22Packages.22_Indices
 */
export function readPackagesIndex(
  bytes: Uint8Array,
  origin: IndexOrigin,
  report?: (problem: ControlProblem) => void,
): readonly RepositoryPackage[] {
  const packages: RepositoryPackage[] = [];
  for (const row of packageRows(bytes, origin.id, report)) {
    packages.push(new IndexedPackage(row, row.slice(FIRST_RELATION), origin));
  }
  return packages;
}
