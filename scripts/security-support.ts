/**
 * Writes data/security-support.json from packages debian-security-support, one of each release:
 *
 *     node scripts/security-support.ts bookworm=debian-security-support_12+2026.06.30_all.deb …
 */
import { readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { distributionData, openDeb, readSecuritySupport, securitySupportFiles } from '../src/distro/index.ts';

const releases: Record<string, object> = {};
for (const argument of process.argv.slice(2)) {
  const [codename = '', file = ''] = argument.split('=');
  const deb = await openDeb(await readFile(file), basename(file));
  const major = distributionData('debian')?.releases[codename]?.version ?? '';
  const notes = readSecuritySupport(await securitySupportFiles(deb), major);
  releases[`debian/${codename}`] = { source: `debian-security-support ${deb.controlStanza.get('Version')}`, notes };
}
await writeFile(
  new URL('../data/security-support.json', import.meta.url),
  `${JSON.stringify(releases, undefined, 1)}\n`,
);
