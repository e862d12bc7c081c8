import { type Static, Type } from 'typebox';
import type * as contract from './contract.ts';
import { PackageChange, usage } from './package-schemas.ts';
import { closed, count, type Matches, next, oneOf, orNull, text, time } from './schema-parts.ts';

const place = { reference: text, digest: text, workloads: Type.Array(text) };
const packagePlace = {
  package: text,
  type: text,
  version: text,
  arch: text,
  ...place,
  ...usage,
  layer: orNull(text),
};

export const Where = Type.Object(
  { package: text, places: Type.Array(Type.Object(packagePlace, closed)), next },
  closed,
);

export const WhereFile = Type.Object(
  {
    places: Type.Array(Type.Object({ path: text, ...place, layer: text }, closed)),
    next,
    unread: Type.Object({ images: count, unhashedLayers: count, layersWithoutNames: count }, closed),
  },
  closed,
);

export const WhereDigest = Type.Object(
  {
    places: Type.Array(
      Type.Object({ role: oneOf(['image', 'base', 'layer', 'file'] as const), path: orNull(text), ...place }, closed),
    ),
    next,
  },
  closed,
);

export const WhereAdvisory = Type.Object(
  {
    advisory: text,
    places: Type.Array(
      Type.Object(
        { ...packagePlace, state: oneOf(['missing', 'affected', 'fixed'] as const), fixedIn: orNull(text) },
        closed,
      ),
    ),
    next,
  },
  closed,
);

export const History = Type.Object(
  {
    reference: text,
    images: Type.Array(
      Type.Object(
        {
          digest: text,
          since: time,
          until: orNull(time),
          created: orNull(time),
          base: orNull(text),
          changes: orNull(Type.Array(Type.Object(PackageChange, closed))),
        },
        closed,
      ),
    ),
    next,
  },
  closed,
);

export const FleetChanges = Type.Object(
  {
    from: time,
    to: time,
    references: Type.Object({ added: count, removed: count, changed: count }, closed),
    packages: Type.Array(Type.Object({ ...PackageChange, images: count }, closed)),
    next,
  },
  closed,
);

export const MovedReferences = Type.Object(
  {
    references: Type.Array(Type.Object({ reference: text, from: orNull(text), to: orNull(text) }, closed)),
    next,
  },
  closed,
);

/** Does not compile when a schema and the contract part ways. */
export type CheckedSearches = [
  Matches<contract.Where, Static<typeof Where>>,
  Matches<contract.WhereFile, Static<typeof WhereFile>>,
  Matches<contract.WhereDigest, Static<typeof WhereDigest>>,
  Matches<contract.WhereAdvisory, Static<typeof WhereAdvisory>>,
  Matches<contract.History, Static<typeof History>>,
  Matches<contract.FleetChanges, Static<typeof FleetChanges>>,
  Matches<contract.MovedReferences, Static<typeof MovedReferences>>,
];
