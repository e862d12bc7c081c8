import { cleanAliases, cleanDate, cleanId, cleanText, cleanUrls } from './clean.ts';
import { type Json, listOf, readObject, record, recordsOf, textOf } from './json-document.ts';
import { invalid } from './limits.ts';
import { isImage, packageOfPurl } from './purl.ts';
import type { Advisory, AdvisoryStatus, AffectedPackage, Bytes, ReadOptions } from './types.ts';

const STATUSES: ReadonlySet<string> = new Set(['not_affected', 'affected', 'fixed', 'under_investigation']);

/** The five of the specification, "Status Justifications". */
const JUSTIFICATIONS: ReadonlySet<string> = new Set([
  'component_not_present',
  'vulnerable_code_not_present',
  'vulnerable_code_not_in_execute_path',
  'vulnerable_code_cannot_be_controlled_by_adversary',
  'inline_mitigations_already_exist',
]);

/**
 * OpenVEX 0.2.0 and 0.0.1 (https://github.com/openvex/spec): a statement says what state a vulnerability has in
 * products, or in subcomponents of them. A later statement on the same vulnerability and product supersedes.
 */
export async function* readOpenVex(bytes: Bytes, options: ReadOptions): AsyncGenerator<Advisory, void> {
  const document = await readObject(bytes, options.what);
  if (!Array.isArray(document.statements)) throw invalid(options.what, 'is no OpenVEX document: it has no statements');
  const written = cleanDate(document.last_updated) ?? cleanDate(document.timestamp);
  for (const statement of recordsOf(document.statements)) {
    const advisory = advisoryOf(statement, document, written, options);
    if (advisory !== undefined) yield advisory;
  }
}

function advisoryOf(
  statement: Json,
  document: Json,
  written: string | undefined,
  options: ReadOptions,
): Advisory | undefined {
  const vulnerability = record(statement.vulnerability);
  const id = cleanId(vulnerability?.name ?? vulnerability?.['@id'] ?? statement.vulnerability);
  const status = textOf(statement.status);
  if (id === undefined || status === undefined || !STATUSES.has(status)) {
    options.onProblem?.(
      `a statement ${id === undefined ? 'without vulnerability' : `on ${id} with status ${JSON.stringify(status)}`}`,
    );
    return undefined;
  }
  const justification = textOf(statement.justification);
  const note = cleanText(statement.impact_statement ?? statement.status_notes ?? statement.action_statement);
  // The specification asks for one of the two; without either, the claim has no reason one could show.
  if (status === 'not_affected' && justification === undefined && note === '') {
    options.onProblem?.(`${id}: not_affected without justification`);
    return undefined;
  }
  const facts = {
    status: status as AdvisoryStatus,
    ...(justification !== undefined && JUSTIFICATIONS.has(justification) ? { justification } : {}),
    ...(note === '' ? {} : { statement: note }),
  };
  // 0.0.1 keeps subcomponents beside the products.
  const beside = namesOf(statement.subcomponents);
  const affected = listOf(statement.products).flatMap((product) => {
    const within = [...namesOf(record(product)?.subcomponents), ...beside];
    return namesOf([product]).flatMap((name) => packagesOf(name, within, facts));
  });
  if (affected.length === 0) options.onProblem?.(`${id}: names no package and no image`);
  return {
    id,
    aliases: cleanAliases(listOf(vulnerability?.aliases), id),
    severity: undefined,
    score: undefined,
    summary: cleanText(vulnerability?.description),
    published: cleanDate(statement.timestamp) ?? cleanDate(document.timestamp),
    modified: cleanDate(statement.last_updated) ?? written,
    withdrawn: undefined,
    urls: cleanUrls([vulnerability?.['@id'], document['@id']]),
    affected,
  };
}

/** A component is a string, or an object with `@id`, purl identifiers or hashes: all its names. */
function namesOf(components: unknown): readonly string[] {
  return listOf(components).flatMap((component) => {
    if (typeof component === 'string') return [component];
    const facts = record(component);
    const sha256 = textOf(record(facts?.hashes)?.['sha-256']);
    const names = [
      textOf(facts?.['@id']),
      textOf(record(facts?.identifiers)?.purl),
      sha256 === undefined ? undefined : `sha256:${sha256}`,
    ];
    return [...new Set(names.flatMap((name) => name ?? []))];
  });
}

type Facts = Pick<AffectedPackage, 'status' | 'justification' | 'statement'>;

/** @param product an image or a package; @param within packages inside it, none: the product as a whole */
export function packagesOf(product: string, within: readonly string[], facts: Facts): readonly AffectedPackage[] {
  if (isImage(product)) {
    const inside = within.flatMap((name) => packageOfPurl(name) ?? []);
    const whole = { ecosystem: '', kind: 'any', name: '', product, ...facts } as const;
    // Whatever the image holds: the statement is about the vulnerability in this image.
    if (within.length === 0) return [whole];
    return inside.map((pkg) => ({ ...toAffected(pkg, facts), product }));
  }
  const pkg = packageOfPurl(product);
  return pkg === undefined ? [] : [toAffected(pkg, facts)];
}

function toAffected(pkg: NonNullable<ReturnType<typeof packageOfPurl>>, facts: Facts): AffectedPackage {
  const { version, ...named } = pkg;
  return { ...named, ...facts, ...(version === undefined ? {} : { versions: [version] }) };
}
