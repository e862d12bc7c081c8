import { acceptedText, textOf } from '../accept.ts';
import { MANIFEST_BYTES } from '../limits.ts';
import type { ContentReader, ReadResult } from '../types.ts';

/** `# stub: rake 13.0.6 ruby lib`: written by RubyGems into every specification it installs. */
const STUB = /^# stub: (\S+) (\S+) /m;
const NAME = /^[ \t]*s\.name[ \t]*=[ \t]*(?:%q\{|['"])([^'"}]+)/m;
const VERSION = /^[ \t]*s\.version[ \t]*=[ \t]*(?:Gem::Version\.new[ \t]*\(?)?(?:%q\{|['"])([^'"}]+)/m;

/**
 * specifications/NAME-VERSION.gemspec of an installed gem. Those in a gem's own sources are programs that compute the
 * version, and say nothing of what is installed.
 * @see https://guides.rubygems.org/specification-reference/
 */
export const gemspec: ContentReader = {
  id: 'gemspec',
  version: 2,
  files: { extensions: ['.gemspec'] },
  wants: ({ path }) =>
    /(?:^|\/)specifications\/(?:default\/)?[^/]+\.gemspec$/.test(path)
      ? { kind: 'whole', limit: MANIFEST_BYTES }
      : 'no',
  read: ({ name }, bytes) => readGemspec(name, textOf(bytes)),
};

function readGemspec(file: string, text: string): ReadResult {
  const stub = STUB.exec(text);
  const byName = /^(.+?)-(\d[^-]*)(?:-.+)?\.gemspec$/.exec(file);
  const name = acceptedText(stub?.[1] ?? NAME.exec(text)?.[1] ?? byName?.[1]);
  const version = acceptedText(stub?.[2] ?? VERSION.exec(text)?.[1] ?? byName?.[2]);
  if (name === undefined || version === undefined) return { problems: ['names no gem and version'] };
  return { packages: [{ ecosystem: 'gem', name, version, state: 'installed' }] };
}
