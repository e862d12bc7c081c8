import { distributionOfCpe, distributionOfTitle } from './ecosystem.ts';
import { type Json, listOf, record, recordOr, recordsOf, textOf } from './json-document.ts';
import { isImage, packageOfPurl } from './purl.ts';

/** What a CSAF product id stands for. */
export interface CsafProduct {
  readonly ecosystem: string;
  readonly kind: 'source' | 'binary' | 'any';
  readonly name: string;
  readonly version: string | undefined;
  /** Set for an image. */
  readonly image: string | undefined;
}

export interface CsafProducts {
  /** Ids of products and of groups → products; what is no package and no image has none. */
  find(ids: unknown, groups?: unknown): readonly CsafProduct[];
}

interface Named {
  readonly name: string;
  readonly purl: string | undefined;
  readonly cpe: string | undefined;
}

/**
 * The product tree (CSAF 2.0, section 3.2.2): products as leaves of branches or on a list of their own, and relations
 * that put a component into a platform: `BaseOS-9:openssl-1:3.0.7-25.el9_3.x86_64`.
 */
export function readProducts(tree: Json): CsafProducts {
  const named = new Map<string, Named>();
  const keep = (value: unknown): string | undefined => {
    const product = record(value);
    const id = textOf(product?.product_id);
    if (product === undefined || id === undefined) return undefined;
    const helper = recordOr(product.product_identification_helper);
    const purls = [textOf(helper.purl), ...listOf(helper.purls).map(textOf)];
    named.set(id, {
      name: textOf(product.name) ?? id,
      purl: purls.find((purl) => purl !== undefined),
      cpe: textOf(helper.cpe),
    });
    return id;
  };
  // A list instead of recursion: the nesting is the document's.
  const waiting: Json[] = [...recordsOf(tree.branches)];
  for (let branch = waiting.pop(); branch !== undefined; branch = waiting.pop()) {
    keep(branch.product);
    // One by one: a spread of a long list would overflow the stack.
    for (const child of recordsOf(branch.branches)) waiting.push(child);
  }
  for (const product of listOf(tree.full_product_names)) keep(product);
  const relations = new Map<string, { readonly component: string; readonly platform: string }>();
  for (const relation of recordsOf(tree.relationships)) {
    const id = keep(relation.full_product_name);
    const component = textOf(relation.product_reference);
    const platform = textOf(relation.relates_to_product_reference);
    if (id !== undefined && component !== undefined && platform !== undefined)
      relations.set(id, { component, platform });
  }
  const groups = new Map(
    recordsOf(tree.product_groups).map((group) => [textOf(group.group_id) ?? '', listOf(group.product_ids)]),
  );
  const resolve = (id: string): CsafProduct | undefined => {
    const relation = relations.get(id);
    const own = productOf(named.get(id), relation === undefined ? undefined : named.get(relation.platform));
    if (own !== undefined || relation === undefined) return own;
    return productOf(named.get(relation.component), named.get(relation.platform));
  };
  return {
    find: (ids, groupIds) => {
      const all = [...listOf(ids), ...listOf(groupIds).flatMap((group) => groups.get(textOf(group) ?? '') ?? [])];
      return [...new Set(all.flatMap((id) => textOf(id) ?? []))].flatMap((id) => resolve(id) ?? []);
    },
  };
}

/** `openssl-1:3.0.7-25.el9_3.x86_64`: name, epoch:version-release, architecture. */
const NEVRA = /^(.+)-((?:\d+:)?[^-\s]+-[^-\s]+?)\.(noarch|src|x86_64|aarch64|ppc64le|s390x|i[3-6]86|armv7hl)$/;

function productOf(product: Named | undefined, platform: Named | undefined): CsafProduct | undefined {
  if (product === undefined) return undefined;
  const ecosystem = platform === undefined ? '' : distributionOfPlatform(platform);
  if (product.purl !== undefined) {
    if (isImage(product.purl)) return { ecosystem: '', kind: 'any', name: '', version: undefined, image: product.purl };
    const pkg = packageOfPurl(product.purl);
    if (pkg === undefined) return undefined;
    // A package that is part of a product which is no distribution (OpenShift) is none of ours.
    if (platform !== undefined && ecosystem === undefined) return undefined;
    return { ...pkg, ecosystem: ecosystem || pkg.ecosystem, image: undefined };
  }
  if (ecosystem === undefined || ecosystem === '') return undefined;
  const match = NEVRA.exec(product.name);
  if (match?.[1] === undefined || match[2] === undefined) {
    // `known_affected` names the package alone.
    return /^[\w.+-]{1,200}$/.test(product.name)
      ? { ecosystem, kind: 'any', name: product.name, version: undefined, image: undefined }
      : undefined;
  }
  return {
    ecosystem,
    kind: match[3] === 'src' ? 'source' : 'binary',
    name: match[1],
    version: match[2].replace(/^0:/, ''),
    image: undefined,
  };
}

const distributionOfPlatform = (platform: Named): string | undefined =>
  (platform.cpe === undefined ? undefined : distributionOfCpe(platform.cpe)) ?? distributionOfTitle(platform.name);
