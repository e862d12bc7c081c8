import type { Distribution, DistributionName } from '../distro/index.ts';
import { PATHS } from './captured-paths.ts';
import type { FileView } from './file-view.ts';

/** Codenames of Debian releases, for images whose os-release leaves them out (distroless). */
const DEBIAN_CODENAMES: Readonly<Record<string, string>> = {
  '9': 'stretch',
  '10': 'buster',
  '11': 'bullseye',
  '12': 'bookworm',
  '13': 'trixie',
  '14': 'forky',
  '15': 'duke',
};

/** Distributions whose repositories are named by codename; all others go by version. */
const BY_CODENAME: ReadonlySet<string> = new Set(['debian', 'ubuntu']);

const MAX_OS_RELEASE_BYTES = 64 * 1024;
const WORD = /^[a-z0-9][a-z0-9._-]*$/;

/** From os-release(5), else etc/debian_version; undefined when neither says anything usable. */
export async function readDistribution(view: FileView): Promise<Distribution | undefined> {
  for (const path of PATHS.osRelease) {
    const file = await view.read(path);
    if (file?.kind !== 'content') continue;
    const found = parseOsRelease(text(file.bytes));
    if (found !== undefined) return found;
  }
  const file = await view.read(PATHS.debianVersion);
  return file?.kind === 'content' ? parseDebianVersion(text(file.bytes)) : undefined;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8', 0, Math.min(bytes.length, MAX_OS_RELEASE_BYTES));
}

/** @see https://www.freedesktop.org/software/systemd/man/latest/os-release.html */
export function parseOsRelease(content: string): Distribution | undefined {
  const fields = new Map<string, string>();
  for (const line of content.split('\n')) {
    const match = /^\s*([A-Z_][A-Z0-9_]*)=(.*?)\s*$/.exec(line);
    if (match !== null) fields.set(match[1] as string, unquote(match[2] as string));
  }
  const id = fields.get('ID') ?? '';
  const versionId = fields.get('VERSION_ID') ?? '';
  const codename =
    fields.get('VERSION_CODENAME') ||
    (id === 'debian' ? DEBIAN_CODENAMES[versionId] : undefined) ||
    /\(([a-z]+)\)/i.exec(fields.get('VERSION') ?? '')?.[1]?.toLowerCase() ||
    '';
  const release = BY_CODENAME.has(id) ? codename || versionId : versionId || codename;
  if (!WORD.test(id)) return undefined;
  // A rolling release has no version: its one line is named after itself.
  const name: DistributionName = `${id}/${WORD.test(release) ? release : 'rolling'}`;
  return { name, id, versionId, codename, prettyName: fields.get('PRETTY_NAME') ?? fields.get('NAME') ?? id };
}

/** A value as a shell would read it: quotes off, backslashes resolved. */
function unquote(value: string): string {
  const quote = value[0];
  if (quote === "'" && value.endsWith("'") && value.length > 1) return value.slice(1, -1);
  const inner = quote === '"' && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value;
  return inner.replace(/\\(.)/g, '$1');
}

/** `12.5`, `trixie/sid`: what Debian images without os-release still have. */
export function parseDebianVersion(content: string): Distribution | undefined {
  const line = content.trim();
  const versionId = /^(\d{1,3})(?:\.\d+)?$/.exec(line)?.[1] ?? '';
  const codename = DEBIAN_CODENAMES[versionId] ?? /^([a-z]+)\/sid$/.exec(line)?.[1];
  if (codename === undefined) return undefined;
  return { name: `debian/${codename}`, id: 'debian', versionId, codename, prettyName: `Debian GNU/Linux ${line}` };
}
