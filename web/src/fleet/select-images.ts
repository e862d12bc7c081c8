import type { FleetImage } from '../../../src/http/contract.ts';

export const FILTERS = {
  all: { label: 'All', keeps: (_image: FleetImage) => true },
  outdated: { label: 'Outdated', keeps: (image: FleetImage) => image.findings.total > 0 },
  security: { label: 'Security', keeps: (image: FleetImage) => image.findings.security > 0 },
  quarantined: { label: 'Quarantined', keeps: (image: FleetImage) => image.status === 'quarantined' },
} as const;

export type Filter = keyof typeof FILTERS;

export interface TreeRow {
  readonly image: FleetImage;
  /** One for each step of depth: does the line go on below this row? The last one is the row's own. */
  readonly guides: readonly boolean[];
}

/** Children right below what they stand on, in the order given. */
export function inTreeOrder(images: readonly FleetImage[]): readonly TreeRow[] {
  const names = new Set(images.map(({ name }) => name));
  const children = Map.groupBy(images, ({ base }) => (base !== null && names.has(base) ? base : undefined));
  const rows: TreeRow[] = [];
  const seen = new Set<string>();
  const add = (image: FleetImage, guides: readonly boolean[]): void => {
    if (seen.has(image.name)) return;
    seen.add(image.name);
    rows.push({ image, guides });
    const below = children.get(image.name) ?? [];
    for (const child of below) add(child, [...guides, child !== below.at(-1)]);
  };
  for (const image of children.get(undefined) ?? []) add(image, []);
  for (const image of images) add(image, []);
  return rows;
}

/** Every word must occur in the name, the reference, the digest or the distribution. */
export function selectImages(rows: readonly TreeRow[], filter: Filter, search: string): readonly TreeRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter(({ image }) => {
    if (!FILTERS[filter].keeps(image)) return false;
    const text = `${image.reference} ${image.name} ${image.digest ?? ''} ${image.distribution ?? ''}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
