import { parseRelations, Stanza } from '../../distro/index.ts';
import type { PackageRecord } from './package-record.ts';

/** The control file of a package, parsed. */
export function controlOf(record: PackageRecord): Stanza {
  const stanza = Stanza.fromText(record.control);
  if (stanza instanceof Stanza) return stanza;
  throw new Error(`the kept control file of ${record.name} does not parse`);
}

function wants(record: PackageRecord): readonly string[] {
  const control = controlOf(record);
  return ['Pre-Depends', 'Depends'].flatMap((field) =>
    parseRelations(control.get(field) ?? '').flatMap((group) => group.map(({ name }) => name)),
  );
}

/** These give users and folders that the first scripts already need; a bootstrap has them first, too. */
const FIRST = ['base-passwd', 'base-files'];

/** Packages such that each comes after what it depends on; circles are cut where they are entered, by name. */
export function dependencyOrder(records: readonly PackageRecord[]): readonly PackageRecord[] {
  const byName = new Map<string, PackageRecord>();
  for (const record of records.toSorted((a, b) => (a.name < b.name ? -1 : 1))) byName.set(record.name, record);
  const done = new Set<PackageRecord>();
  const visit = (record: PackageRecord): void => {
    if (done.has(record)) return;
    entered.add(record);
    for (const name of wants(record)) {
      const wanted = byName.get(name);
      if (wanted !== undefined && !entered.has(wanted)) visit(wanted);
    }
    done.add(record);
  };
  const entered = new Set<PackageRecord>();
  for (const name of FIRST) {
    const record = byName.get(name);
    if (record !== undefined) {
      entered.add(record);
      done.add(record);
    }
  }
  for (const record of byName.values()) visit(record);
  return [...done];
}
