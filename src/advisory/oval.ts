import { cleanAliases, cleanDate, cleanId, cleanName, cleanSeverity, cleanText, cleanUrls, isCve } from './clean.ts';
import { cleanScore } from './cvss.ts';
import { distributionOfCpe, distributionOfTitle } from './ecosystem.ts';
import { invalid } from './limits.ts';
import { packageTests } from './oval-criteria.ts';
import { type Comparison, type Definition, OvalReader, type OvalTables } from './oval-reader.ts';
import type { Advisory, AffectedPackage, Bytes, ReadOptions } from './types.ts';
import { readXml } from './xml.ts';

/**
 * OVAL 5.11 (https://oval-community-guidelines.readthedocs.io/) as Debian, Ubuntu, Red Hat and SUSE publish it:
 * definitions of class `patch` and `vulnerability` whose criteria compare package versions. Definitions point to tests
 * that follow them in the file, so all of it is kept in its shortest form until the end.
 */
export async function* readOval(bytes: Bytes, options: ReadOptions): AsyncGenerator<Advisory, void> {
  const reader = new OvalReader(options.what);
  for await (const _ of readXml(bytes, options.what, reader));
  if (!reader.isOval) throw invalid(options.what, 'is no OVAL document');
  for (const definition of reader.definitions) {
    const advisory = advisoryOf(definition, reader, options);
    if (advisory === undefined) options.onProblem?.(`definition ${definition.id}: names no advisory`);
    else yield advisory;
  }
}

function advisoryOf(definition: Definition, tables: OvalTables, options: ReadOptions): Advisory | undefined {
  const references = definition.references.flatMap((reference) => cleanId(reference.id) ?? []);
  const own = references.find((id) => !isCve(id));
  // A patch is known by the vendor's id, a vulnerability by its CVE id; titles begin with it: "CVE-2024-0001 openssl".
  const id =
    (definition.class === 'patch' ? own : references.find(isCve)) ??
    references[0] ??
    cleanId(definition.title.split(/[\s:,]/)[0]);
  if (id === undefined) return undefined;
  const scores = definition.cves.flatMap((cve) => cleanScore(cve.cvss3?.split('/')[0]) ?? []);
  return {
    id,
    aliases: cleanAliases([...references, ...definition.cves.map((cve) => cve.id)], id),
    severity: cleanSeverity(definition.severity),
    score: scores.length === 0 ? undefined : Math.max(...scores),
    summary: cleanText(definition.title),
    published: cleanDate(definition.issued),
    modified: cleanDate(definition.updated),
    withdrawn: undefined,
    urls: cleanUrls([
      ...definition.references.map((reference) => reference.url),
      ...definition.cves.map((cve) => cve.url),
    ]),
    affected: affectedOf(definition, tables, options),
  };
}

function affectedOf(definition: Definition, tables: OvalTables, options: ReadOptions): readonly AffectedPackage[] {
  if (definition.criteria === undefined) return [];
  const named = [...definition.platforms.map(distributionOfTitle), ...definition.cpes.map(distributionOfCpe)];
  const platforms = [...new Set(named.flatMap((name) => name ?? []))];
  const found = new Map<string, AffectedPackage>();
  for (const { test, platforms: where } of packageTests(definition.criteria, platforms)) {
    const compared = tables.comparison(test);
    const ecosystems = options.distribution === undefined ? where : [options.distribution];
    for (const affected of compared === undefined ? [] : comparedPackages(compared, ecosystems)) {
      found.set(`${affected.ecosystem} ${affected.name} ${affected.fixed ?? affected.lastAffected ?? ''}`, affected);
    }
  }
  return [...found.values()];
}

function comparedPackages(compared: Comparison, ecosystems: readonly string[]): readonly AffectedPackage[] {
  const names = compared.names.flatMap((word) => cleanName(word) ?? []);
  return ecosystems.flatMap((ecosystem) => names.flatMap((name) => toAffected(ecosystem, name, compared) ?? []));
}

function toAffected(ecosystem: string, name: string, { operation, version }: Comparison): AffectedPackage | undefined {
  const shared = { ecosystem, kind: 'any', name } as const;
  const evr = cleanName(version)?.replace(/^0:/, '');
  // A test without a state asks only whether the package is there: affected, and no fix known.
  if (operation === undefined || evr === undefined) return { ...shared, status: 'affected' };
  const isNothing = /^0(?:-0)?$/.test(evr);
  // "earlier than 0" (Debian) and "greater than 0-0" (SUSE): affected, and nothing fixes it yet.
  if (isNothing)
    return operation === 'less than' || operation === 'greater than' ? { ...shared, status: 'affected' } : undefined;
  if (operation === 'less than') return { ...shared, status: 'fixed', fixed: evr };
  if (operation === 'less than or equal') return { ...shared, status: 'affected', lastAffected: evr };
  return undefined;
}
