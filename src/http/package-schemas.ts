import { Type } from 'typebox';
import { closed, oneOf, orNull, text, time } from './schema-parts.ts';

const LoadedIn = Type.Object(
  {
    host: text,
    container: text,
    name: Type.Optional(text),
    version: orNull(text),
    restartDue: Type.Boolean(),
    since: time,
  },
  closed,
);

/** How a package is used, for answers that name packages of images. */
export const usage = {
  usage: Type.Optional(
    Type.Unsafe<'contained' | 'linked' | 'loaded'>({
      type: 'string',
      enum: ['contained', 'linked', 'loaded'],
      description: 'absent where it is not known',
    }),
  ),
  linkedBy: Type.Optional(oneOf(['entrypoint', 'executable', 'library'] as const)),
  loadedIn: Type.Optional(Type.Array(LoadedIn, { description: 'containers, as hosts report; 50 at most' })),
};

export const PackageChange = {
  kind: oneOf(['added', 'removed', 'upgraded', 'downgraded'] as const),
  type: text,
  package: text,
  arch: text,
  from: orNull(text),
  to: orNull(text),
};
