import { planError } from './errors.ts';

interface Node {
  readonly name: string;
  readonly base: string | undefined;
}

/**
 * Images with every base before its children; names decide among equals, so the order is always the same.
 * @throws PLAN_DUPLICATE, PLAN_BASE_UNKNOWN, PLAN_CYCLE (naming the circle)
 */
export function inLineageOrder<Image extends Node>(images: readonly Image[]): readonly Image[] {
  const byName = new Map<string, Image>();
  for (const image of images) {
    if (byName.has(image.name)) throw planError('PLAN_DUPLICATE', `two images are named ${image.name}`);
    byName.set(image.name, image);
  }
  const children = Map.groupBy(images, (image) => image.base);
  for (const [base, [first]] of children) {
    if (base === undefined || byName.has(base)) continue;
    throw planError('PLAN_BASE_UNKNOWN', `${first?.name} stands on ${base}, which is not in the fleet`, {
      hint: 'Add the base to the fleet or name it as an image reference.',
    });
  }
  const ordered: Image[] = [];
  let level = [...(children.get(undefined) ?? [])];
  while (level.length > 0) {
    level.sort((a, b) => (a.name < b.name ? -1 : 1));
    ordered.push(...level);
    level = level.flatMap((image) => children.get(image.name) ?? []);
  }
  if (ordered.length < images.length) throw cycle(byName, new Set(ordered.map((image) => image.name)));
  return ordered;
}

function cycle(images: ReadonlyMap<string, Node>, placed: ReadonlySet<string>): Error {
  const path: string[] = [];
  let name = [...images.keys()].filter((one) => !placed.has(one)).sort()[0] as string;
  while (!path.includes(name)) {
    path.push(name);
    name = images.get(name)?.base as string;
  }
  const circle = [...path.slice(path.indexOf(name)), name];
  return planError('PLAN_CYCLE', `images stand on each other in a circle: ${circle.join(' → ')}`, {
    hint: 'Give one of them another base.',
    details: { circle },
  });
}
