import type { Stanza } from './stanza.ts';
import type { DpkgState } from './status.ts';

/** dpkg's own order of fields in its database (lib/dpkg, fieldinfos); others follow in the order they came in. */
const FIELD_ORDER = [
  'package',
  'essential',
  'protected',
  'status',
  'priority',
  'section',
  'installed-size',
  'origin',
  'maintainer',
  'bugs',
  'architecture',
  'multi-arch',
  'source',
  'version',
  'config-version',
  'replaces',
  'provides',
  'depends',
  'pre-depends',
  'recommends',
  'suggests',
  'breaks',
  'conflicts',
  'enhances',
  'conffiles',
  'filename',
  'size',
  'md5sum',
  'msdos-filename',
  'description',
  'triggers-pending',
  'triggers-awaited',
];

const RELATIONS = [
  'Replaces',
  'Provides',
  'Depends',
  'Pre-Depends',
  'Recommends',
  'Suggests',
  'Breaks',
  'Conflicts',
  'Enhances',
];

/** dpkg writes `a (>= 1)`, one blank each, on one line. */
export function normalizeRelations(text: string): string {
  return text
    .split(',')
    .map((group) =>
      group
        .split('|')
        .map((alternative) =>
          alternative
            .trim()
            .replace(/\s+/g, ' ')
            .replace(/ ?\(\s*(<<|<=|=|>=|>>|<|>)\s*([^)\s]+)\s*\)/, (_all, operator: string, version: string) => {
              const modern = operator === '<' ? '<=' : operator === '>' ? '>=' : operator;
              return ` (${modern} ${version})`;
            }),
        )
        .join(' | '),
    )
    .filter((group) => group !== '')
    .join(', ');
}

export interface InstalledState {
  readonly state: Extract<DpkgState, 'installed' | 'unpacked' | 'half-configured' | 'triggers-pending'>;
  /** True keeps a package on hold. */
  readonly hold?: boolean;
  /**
   * Conffile path → md5 of the version the package brought, in the order of the package's conffiles file;
   * `newconffile` where dpkg has unpacked but not yet configured it.
   */
  readonly conffiles: Iterable<readonly [path: string, md5: string]>;
  readonly section?: string;
  readonly priority?: string;
}

/**
 * The database stanza of a package from its own control file.
 * Written as dpkg would, so that a root composed here and one installed by dpkg have the same database.
 */
export function statusStanza(control: Stanza, installed: InstalledState): Stanza {
  const relations = RELATIONS.filter((name) => control.has(name)).map(
    (name) => [name, normalizeRelations(control.get(name) ?? '')] as const,
  );
  const conffiles = [...installed.conffiles].map(([path, md5]) => `\n ${path} ${md5}`).join('');
  return control
    .with({
      ...Object.fromEntries(relations),
      Status: `${installed.hold === true ? 'hold' : 'install'} ok ${installed.state}`,
      Conffiles: conffiles === '' ? undefined : conffiles,
      // `Essential: no` and its like are defaults: dpkg leaves them out.
      ...(control.get('Essential') === 'no' ? { Essential: undefined } : {}),
      ...(control.get('Multi-Arch') === 'no' ? { 'Multi-Arch': undefined } : {}),
      ...(installed.priority === undefined ? {} : { Priority: installed.priority }),
      ...(installed.section === undefined ? {} : { Section: installed.section }),
    })
    .ordered(FIELD_ORDER);
}

const bytewise = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A whole var/lib/dpkg/status: sorted by name and architecture as dpkg writes it, each stanza in dpkg's field order. */
export function writeStatus(stanzas: Iterable<Stanza>): Buffer {
  const sorted = [...stanzas].sort(
    (a, b) =>
      bytewise(a.get('Package') ?? '', b.get('Package') ?? '') ||
      bytewise(a.get('Architecture') ?? '', b.get('Architecture') ?? ''),
  );
  return Buffer.concat(sorted.flatMap((stanza) => [stanza.ordered(FIELD_ORDER).toBytes(), Buffer.from('\n')]));
}

/** The stanzas with one of the same name and architecture replaced, or added. */
export function replaceStanza(stanzas: readonly Stanza[], stanza: Stanza): readonly Stanza[] {
  const key = (candidate: Stanza): string => `${candidate.get('Package')}:${candidate.get('Architecture')}`;
  const isSame = (candidate: Stanza): boolean => key(candidate) === key(stanza);
  return stanzas.some(isSame)
    ? stanzas.map((candidate) => (isSame(candidate) ? stanza : candidate))
    : [...stanzas, stanza];
}
