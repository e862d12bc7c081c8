import type { LayerItem } from '../../oci/index.ts';
import type { Recipe } from '../../recipe/index.ts';
import { composeError } from './errors.ts';

const ZONES = 'usr/share/zoneinfo';

/** What an image's own packages bring of time zones. */
export interface ZonePackages {
  /** Has one of them a file or link at this path? */
  has(path: string): boolean;
  readonly hasTzdata: boolean;
}

/**
 * /etc/localtime and /etc/timezone for the recipe's zone, as tzdata sets them.
 * @param packages the image's own
 * @param hasBase zones may also be in a base, which is not looked through for them
 * @throws COMPOSE_TIMEZONE_UNKNOWN
 */
export function timezoneItems(
  { timezone, name }: Recipe,
  packages: ZonePackages,
  hasBase: boolean,
  epoch: number,
): readonly LayerItem[] {
  if (timezone === undefined) return [];
  const isKnown = packages.has(`${ZONES}/${timezone}`);
  const hasZones = packages.hasTzdata;
  if (!isKnown && (hasZones || !hasBase)) {
    throw composeError('COMPOSE_TIMEZONE_UNKNOWN', `${name}: no package has the time zone ${timezone}`, {
      hint: hasZones
        ? 'Its names are those below /usr/share/zoneinfo; old ones are in tzdata-legacy.'
        : 'Add tzdata to its packages.',
    });
  }
  const content = Buffer.from(`${timezone}\n`);
  const common = { uid: 0, gid: 0, mtime: epoch };
  return [
    {
      header: {
        ...common,
        path: 'etc/localtime',
        type: 'symlink',
        mode: 0o777,
        size: 0,
        linkName: `/${ZONES}/${timezone}`,
      },
    },
    { header: { ...common, path: 'etc/timezone', type: 'file', mode: 0o644, size: content.length }, content },
  ];
}
