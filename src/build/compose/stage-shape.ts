import { parseRelations, type Relation, type Stanza, satisfies } from '../../distro/index.ts';
import { type DatabaseFiles, stanzasWith } from './database.ts';
import type { PackageRecord } from './package-record.ts';

/** Package → everything of it that decides what dpkg does while it configures; versions only as far as they decide. */
export type StageShape = Readonly<Record<string, string>>;

/** What must hold before a package is configured, and what must not (deb-control(5)). */
const RELATIONS = ['Pre-Depends', 'Depends', 'Conflicts', 'Breaks', 'Replaces'];
const FLAGS = ['Architecture', 'Multi-Arch', 'Essential', 'Protected', 'Important'];

/**
 * dpkg configures in an order that follows from who depends on whom and from whether each relation is satisfied. So a
 * relation counts as its name and whether the packages at hand satisfy its version: an update that satisfies the same
 * relations leaves dpkg's decisions as they were.
 */
export function stageShape(base: DatabaseFiles, added: readonly PackageRecord[]): StageShape {
  const stanzas = stanzasWith(base, added, 'unpacked');
  const versions = versionsByName(stanzas);
  const records = new Map(
    added.map((record, position) => [`${record.name}:${record.architecture}`, { record, position }]),
  );
  return Object.fromEntries(
    stanzas.map((stanza) => {
      const key = `${stanza.get('Package')}:${stanza.get('Architecture')}`;
      const own = records.get(key);
      const relations = RELATIONS.map((field) => relationShape(stanza.get(field), versions));
      const provides = parseRelations(stanza.get('Provides') ?? '').map((group) => group.map(({ name }) => name));
      const script = own && [
        own.position,
        own.record.scripts,
        triggerDirectives(own.record.triggers),
        own.record.conffiles.map(([path]) => path),
      ];
      return [key, JSON.stringify([FLAGS.map((field) => stanza.get(field)), relations, provides, script])];
    }),
  );
}

/** Versions under each name, real and provided; undefined stands for a provision without a version. */
function versionsByName(stanzas: readonly Stanza[]): ReadonlyMap<string, readonly (string | undefined)[]> {
  const versions = new Map<string, (string | undefined)[]>();
  const add = (name: string, version: string | undefined): void => {
    versions.set(name, [...(versions.get(name) ?? []), version]);
  };
  for (const stanza of stanzas) {
    add(stanza.get('Package') ?? '', stanza.get('Version'));
    for (const { name, version } of parseRelations(stanza.get('Provides') ?? '').flat()) add(name, version);
  }
  return versions;
}

function relationShape(
  text: string | undefined,
  versions: ReadonlyMap<string, readonly (string | undefined)[]>,
): unknown {
  if (text === undefined) return null;
  const shape = ({ name, qualifier, operator, version }: Relation): unknown => [
    name,
    qualifier ?? null,
    operator === undefined || version === undefined
      ? null
      : (versions.get(name) ?? []).map(
          (candidate) => candidate !== undefined && satisfies(candidate, operator, version),
        ),
  ];
  return parseRelations(text).map((group) => group.map(shape));
}

/** What dpkg takes from a package's `triggers` file: packaging tools leave their versions in its comments. */
export function triggerDirectives(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  return lines.filter((line) => line !== '').join('\n');
}
