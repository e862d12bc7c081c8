import { acceptedText, members, parseJson } from '../accept.ts';
import { MANIFEST_BYTES } from '../limits.ts';
import { type ContentReader, NOTHING, type ReadResult } from '../types.ts';

/**
 * package.json of a package whose files are there. Those without name or version (an application's own, the markers
 * that say `"type": "module"`) are no packages.
 * @see https://docs.npmjs.com/cli/configuring-npm/package-json
 */
export const npmManifest: ContentReader = {
  id: 'package.json',
  version: 1,
  files: { names: ['package.json'] },
  wants: () => ({ kind: 'whole', limit: MANIFEST_BYTES }),
  read: (_, bytes) => readManifest(bytes),
};

/** Broken files are common in test data of packages and name nothing: not worth a report unless they are a package's own. */
function readManifest(bytes: Buffer): ReadResult {
  const manifest = members(parseJson(bytes));
  const name = npmName(manifest?.name);
  const version = acceptedText(manifest?.version);
  if (name === undefined || version === undefined) return NOTHING;
  return { packages: [{ ecosystem: 'npm', name, version, state: 'installed' }] };
}

/** `name` or `@scope/name`; anything else is no name that a registry would take. */
export function npmName(value: unknown): string | undefined {
  const name = acceptedText(value);
  return name !== undefined && /^(?:@[^/\s@]+\/)?[^/\s@]+$/.test(name) ? name : undefined;
}
