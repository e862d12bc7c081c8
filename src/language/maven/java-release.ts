import { acceptedText, textOf } from '../accept.ts';
import { type ContentReader, NOTHING, type ReadResult } from '../types.ts';

const MAX_BYTES = 256 * 1024;

/**
 * The `release` file in the folder of a Java runtime: the only place where its version stands as text.
 * @see https://openjdk.org/jeps/223
 */
export const javaRelease: ContentReader = {
  id: 'java-release',
  version: 1,
  files: { names: ['release'] },
  // Files called so that are larger are something else.
  wants: ({ size }) => (size > MAX_BYTES ? 'no' : { kind: 'whole', limit: MAX_BYTES }),
  read: (_, bytes) => readRelease(textOf(bytes)),
};

function readRelease(text: string): ReadResult {
  const value = (key: string): string | undefined =>
    acceptedText(new RegExp(`^${key}="?([^"\\r\\n]*)"?\\s*$`, 'm').exec(text)?.[1]);
  const version = value('JAVA_VERSION');
  if (version === undefined || !/^\d[\w.+-]*$/.test(version)) return NOTHING;
  const vendor = value('IMPLEMENTOR');
  const build = value('JAVA_RUNTIME_VERSION');
  const details = {
    cpe: `cpe:2.3:a:oracle:openjdk:${version}:*:*:*:*:*:*:*`,
    ...(vendor === undefined ? {} : { vendor }),
    ...(build === undefined ? {} : { build }),
  };
  return { packages: [{ ecosystem: 'generic', name: 'openjdk', version, state: 'installed', details }] };
}
