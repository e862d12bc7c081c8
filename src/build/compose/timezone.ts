import type { LayerItem } from '../../oci/index.ts';
import type { Recipe } from '../../recipe/index.ts';
import { composeError } from './errors.ts';
import type { PackageRecord } from './package-record.ts';

const ZONES = 'usr/share/zoneinfo';

/**
 * /etc/localtime and /etc/timezone for the recipe's zone, as tzdata sets them.
 * @param records the image's own packages
 * @param hasBase zones may also be in a base, which is not looked through for them
 * @throws COMPOSE_TIMEZONE_UNKNOWN
 */
export function timezoneItems(
  { timezone, name }: Recipe,
  records: readonly PackageRecord[],
  hasBase: boolean,
  epoch: number,
): readonly LayerItem[] {
  if (timezone === undefined) return [];
  const lines = [`f ${ZONES}/${timezone}`, `l ${ZONES}/${timezone}`];
  const isKnown = records.some(({ paths }) => paths.some((line) => lines.includes(line)));
  const hasZones = records.some((record) => record.name === 'tzdata');
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
