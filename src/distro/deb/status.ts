import type { InstalledPackage } from '../types.ts';
import { type ControlOptions, type ControlProblem, parseControl } from './control.ts';
import { parseCount, parseMultiArch, parseSource } from './fields.ts';
import { LazyRelations, RELATION_FIELDS } from './relations.ts';
import type { Stanza } from './stanza.ts';

/** dpkg's package states (dpkg(1), PACKAGE STATES). */
export type DpkgState =
  | 'not-installed'
  | 'config-files'
  | 'half-installed'
  | 'unpacked'
  | 'half-configured'
  | 'triggers-awaited'
  | 'triggers-pending'
  | 'installed';

const STATES: ReadonlySet<string> = new Set<DpkgState>([
  'not-installed',
  'config-files',
  'half-installed',
  'unpacked',
  'half-configured',
  'triggers-awaited',
  'triggers-pending',
  'installed',
]);

/** The three words of a Status field. */
export interface DpkgStatus {
  readonly want: string;
  readonly flag: string;
  readonly state: DpkgState;
}

/** A package that is present but not fully installed. */
export interface IncompletePackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly state: DpkgState;
  readonly reinstall: boolean;
}

/** The package database of a root: what is installed, what is half done, and every stanza as it stands. */
export interface StatusDatabase {
  readonly packages: readonly InstalledPackage[];
  readonly incomplete: readonly IncompletePackage[];
  /** Stanzas that could not be read. */
  readonly problems: readonly ControlProblem[];
  /** All stanzas, also of removed packages, in file order. */
  readonly stanzas: readonly Stanza[];
  /** The stanza of a package; without an architecture the first of that name. */
  stanza(name: string, architecture?: string): Stanza | undefined;
}

/** Distroless images have no Status field in status.d: what has a stanza there is installed. */
export function parseStatusField(text: string | undefined): DpkgStatus | undefined {
  if (text === undefined) return { want: 'install', flag: 'ok', state: 'installed' };
  const [want = '', flag = '', state = ''] = text.trim().split(/\s+/);
  return STATES.has(state) ? { want, flag, state: state as DpkgState } : undefined;
}

/** Conffiles lines are ` path md5[ obsolete][ remove-on-upgrade]`; a path may hold blanks. */
export function parseConffiles(text: string | undefined): ReadonlyMap<string, string> {
  const conffiles = new Map<string, string>();
  for (const line of (text ?? '').split('\n')) {
    const match = /^\s*(\/.*?) ([0-9a-f]{32}|newconffile)((?: obsolete| remove-on-upgrade)*)\s*$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) conffiles.set(match[1], match[2]);
  }
  return conffiles;
}

function installedPackage(stanza: Stanza, status: DpkgStatus): InstalledPackage {
  const name = stanza.get('Package') ?? '';
  const version = stanza.get('Version') ?? '';
  return {
    name,
    version,
    architecture: stanza.get('Architecture') ?? '',
    source: parseSource(stanza.get('Source'), name, version),
    essential: stanza.get('Essential') === 'yes',
    multiArch: parseMultiArch(stanza.get('Multi-Arch')),
    relations: new LazyRelations(RELATION_FIELDS.map((field) => stanza.get(field) ?? '')),
    installedSize: parseCount(stanza.get('Installed-Size')),
    section: stanza.get('Section') ?? '',
    maintainer: stanza.get('Maintainer') ?? '',
    homepage: stanza.get('Homepage') ?? '',
    hold: status.want === 'hold',
    configured: status.state === 'installed',
    conffiles: parseConffiles(stanza.get('Conffiles')),
  };
}

function incompleteness({ name, version, architecture }: InstalledPackage, status: DpkgStatus): IncompletePackage[] {
  const reinstall = status.flag === 'reinstreq';
  if (status.state === 'installed' && !reinstall) return [];
  return [{ name, version, architecture, state: status.state, reinstall }];
}

/**
 * var/lib/dpkg/status, or the files of status.d (distroless), one after another.
 * Broken stanzas are skipped and listed unless `strict`.
 *
 * @throws DISTRO_CONTROL_INVALID in strict mode, DISTRO_CONTROL_LIMIT
 */
export function readStatus(
  bytes: Uint8Array | readonly Uint8Array[],
  options: Pick<ControlOptions, 'strict' | 'what'> = {},
): StatusDatabase {
  const packages: InstalledPackage[] = [];
  const incomplete: IncompletePackage[] = [];
  const problems: ControlProblem[] = [];
  const what = options.what ?? 'package database';
  const parts = bytes instanceof Uint8Array ? [bytes] : bytes;
  const report = (problem: ControlProblem): number => problems.push(problem);
  const stanzas = parts.flatMap((part) => [...parseControl(part, { ...options, what, report })]);
  for (const stanza of stanzas) {
    const name = stanza.get('Package');
    const status = parseStatusField(stanza.get('Status'));
    if (name === undefined || status === undefined) {
      report({ line: 0, message: `${what}: ${name ?? 'a stanza'} has no usable ${name ? 'Status' : 'Package'} field` });
    } else if (status.state !== 'not-installed' && status.state !== 'config-files') {
      const installed = installedPackage(stanza, status);
      packages.push(installed);
      incomplete.push(...incompleteness(installed, status));
    }
  }
  const byName = Map.groupBy(stanzas, (stanza) => stanza.get('Package'));
  return {
    packages,
    incomplete,
    problems,
    stanzas,
    stanza: (name, architecture) =>
      byName.get(name)?.find((stanza) => architecture === undefined || stanza.get('Architecture') === architecture),
  };
}
