import { PREDICATES } from '../../attestation/index.ts';
import { type PreparedBase, prepareBase, rebase } from '../../build/index.ts';
import type { Digest } from '../../oci/index.ts';
import type { BuildRequest } from '../ports.ts';
import { openStored } from '../workshop/open-stored.ts';
import type { Workshop } from '../workshop/workshop.ts';
import { type Attempt, made, refusing } from './fall-back.ts';

/** Bases prepared at the same time; each holds the file list of an image. */
const PREPARED_BASES = 8;

/** Reads a base once for all children that move from it or to it. */
export function basesOf(workshop: Workshop): (digest: Digest) => Promise<PreparedBase> {
  const bases = new Map<Digest, Promise<PreparedBase>>();
  return (digest) => {
    const known = bases.get(digest);
    if (known !== undefined) return known;
    const prepared = workshop
      .store()
      .then((store) => openStored(store, digest))
      .then((image) => prepareBase(image, workshop.layerFacts));
    bases.set(digest, prepared);
    prepared.catch(() => bases.delete(digest));
    const oldest = bases.keys().next().value;
    if (bases.size > PREPARED_BASES && oldest !== undefined) bases.delete(oldest);
    return prepared;
  };
}

/** Refuses when the rebase cannot be proved safe, or what it needs is not known. */
export async function rebaseChild(
  { image, previous, baseDigest, previousBaseDigest }: BuildRequest,
  base: (digest: Digest) => Promise<PreparedBase>,
  workshop: Workshop,
): Promise<Attempt> {
  if (previous === undefined || baseDigest === undefined || previousBaseDigest === undefined) {
    return { kind: 'refused', because: 'the base it was built on is not known' };
  }
  return refusing(/^(?:REBASE_|BLOB_MISSING$)/, async () => {
    const store = await workshop.store();
    const [oldBase, newBase] = [await base(previousBaseDigest), await base(baseDigest)];
    const child = await openStored(store, previous);
    const name = image.base === undefined ? {} : { baseName: image.base };
    const rebased = await rebase({ child, oldBase, newBase, ...name }, { store, layers: workshop.layerFacts });
    return made({ ...rebased, predicates: [{ type: PREDICATES['rebase-report'], predicate: rebased.report }] });
  });
}
