import { cleanAliases, cleanDate, cleanId, cleanSeverity, cleanText, cleanUrls, worstSeverity } from './clean.ts';
import { type CsafProduct, type CsafProducts, readProducts } from './csaf-products.ts';
import { cleanScore, severityOfScore } from './cvss.ts';
import { type Json, readObject, recordOr, recordsOf, textOf } from './json-document.ts';
import { invalid } from './limits.ts';
import type { Advisory, AdvisoryStatus, AffectedPackage, Bytes, ReadOptions } from './types.ts';

/** product_status (section 3.2.3.9) → status; the order decides where a product stands in several. */
const STATUSES: readonly (readonly [string, AdvisoryStatus])[] = [
  ['known_not_affected', 'not_affected'],
  ['fixed', 'fixed'],
  ['first_fixed', 'fixed'],
  ['known_affected', 'affected'],
  ['first_affected', 'affected'],
  ['last_affected', 'affected'],
  ['under_investigation', 'under_investigation'],
];

/**
 * CSAF 2.0 (https://docs.oasis-open.org/csaf/csaf/v2.0/), security advisories and its VEX profile alike: one advisory
 * a vulnerability, with the document's own id (RHSA-…) as an alias where it has one.
 */
export async function* readCsaf(bytes: Bytes, options: ReadOptions): AsyncGenerator<Advisory, void> {
  const document = await readObject(bytes, options.what);
  const head = recordOr(document.document);
  const tracking = recordOr(head.tracking);
  const documentId = cleanId(tracking.id);
  if (documentId === undefined) throw invalid(options.what, 'is no CSAF document: it has no document.tracking.id');
  const products = readProducts(recordOr(document.product_tree));
  const rating = cleanSeverity(recordOr(head.aggregate_severity).text);
  for (const vulnerability of recordsOf(document.vulnerabilities)) {
    const ids = recordsOf(vulnerability.ids).map((item) => item.text);
    const id = cleanId(vulnerability.cve) ?? ids.flatMap((text) => cleanId(text) ?? [])[0] ?? documentId;
    const scores = recordsOf(vulnerability.scores).flatMap(
      (score) => cleanScore(recordOr(score.cvss_v3).baseScore) ?? [],
    );
    const score = scores.length === 0 ? undefined : Math.max(...scores);
    const impacts = recordsOf(vulnerability.threats).flatMap((threat) =>
      threat.category === 'impact' ? [cleanSeverity(threat.details)] : [],
    );
    yield {
      id,
      aliases: cleanAliases([documentId, ...ids], id),
      // The vendor's own word on the impact before the score of the flaw.
      severity: worstSeverity(impacts) ?? rating ?? (score === undefined ? undefined : severityOfScore(score)),
      score,
      summary: cleanText(vulnerability.title ?? head.title),
      published: cleanDate(tracking.initial_release_date),
      modified: cleanDate(tracking.current_release_date),
      withdrawn: /\bwithdrawn\b/i.test(textOf(head.category) ?? '')
        ? cleanDate(tracking.current_release_date)
        : undefined,
      urls: cleanUrls([...recordsOf(vulnerability.references), ...recordsOf(head.references)].map((item) => item.url)),
      affected: affectedOf(vulnerability, products),
    };
  }
}

/** In each table of states, later ones do not repeat what an earlier one said of the same product. */
function affectedOf(vulnerability: Json, products: CsafProducts): readonly AffectedPackage[] {
  const states = recordOr(vulnerability.product_status);
  const reasons = reasonsOf(vulnerability, products);
  const found = new Map<string, AffectedPackage>();
  for (const [field, status] of STATUSES) {
    for (const product of products.find(states[field])) {
      const key = keyOf(product);
      if (found.has(key)) continue;
      const affected = toAffected(product, field, status, reasons.get(key));
      if (affected !== undefined) found.set(key, affected);
    }
  }
  return [...found.values()];
}

interface Reason {
  justification?: string;
  statement?: string;
}

/** `flags` carry VEX's justifications, `threats` of category impact (VEX) and remediations the words. */
function reasonsOf(vulnerability: Json, products: CsafProducts): ReadonlyMap<string, Reason> {
  const reasons = new Map<string, Reason>();
  const add = (item: Json, reason: Reason): void => {
    for (const product of products.find(item.product_ids, item.group_ids)) {
      reasons.set(keyOf(product), { ...reason, ...reasons.get(keyOf(product)) });
    }
  };
  for (const flag of recordsOf(vulnerability.flags)) {
    const label = cleanId(flag.label);
    if (label !== undefined) add(flag, { justification: label });
  }
  for (const item of [...recordsOf(vulnerability.threats), ...recordsOf(vulnerability.remediations)]) {
    const isReason =
      item.category === 'impact'
        ? cleanSeverity(item.details) === undefined
        : item.category === 'no_fix_planned' || item.category === 'none_available';
    const statement = isReason ? cleanText(item.details) : '';
    if (statement !== '') add(item, { statement });
  }
  return reasons;
}

const keyOf = (product: CsafProduct): string =>
  [product.ecosystem, product.kind, product.name, product.version ?? '', product.image ?? ''].join(' ');

function toAffected(
  product: CsafProduct,
  field: string,
  status: AdvisoryStatus,
  reason: Reason | undefined,
): AffectedPackage | undefined {
  const { ecosystem, kind, name, version, image } = product;
  const shared = { ecosystem, kind, name, status, ...reason, ...(image === undefined ? {} : { product: image }) };
  if (version === undefined) return shared;
  // A fixed product is the one with the fix: whatever came before lacks it.
  if (status === 'fixed') return { ...shared, fixed: version };
  if (field === 'last_affected') return { ...shared, lastAffected: version };
  if (field === 'first_affected') return { ...shared, introduced: version };
  return { ...shared, versions: [version] };
}
