import { createHash } from 'node:crypto';
import { acceptedText } from '../accept.ts';
import type { ContentReader, ContentStream, FoundPackage, ReadResult } from '../types.ts';
import { nameOf } from './artifact.ts';
import { JAR_EXTENSIONS, type JarArtifact, readJar } from './jar.ts';
import { Spool } from './spool.ts';

/** Bytes of one jar; the largest applications with all they need have a few hundred MB. */
const MAX_JAR = 1024 * 1024 * 1024;
/** Other kinds of file have these endings too, and zip archives nearly always begin like this. */
const ZIP_MAGIC = Buffer.from('PK');
const SURELY_JARS = new Set(['.jar', '.war', '.ear']);

/** Artifacts in Java archives: their own, merged (shaded) ones, and those of archives inside, Spring Boot's for one. */
export const jarReader: ContentReader = {
  id: 'jar',
  version: 3,
  files: { extensions: JAR_EXTENSIONS },
  wants: ({ size }) => (size > MAX_JAR ? { kind: 'whole', limit: MAX_JAR } : { kind: 'stream' }),
  // For jars over the limit alone.
  read: () => ({}),
  open: ({ name }) => openJar(name),
};

function openJar(name: string): ContentStream {
  const spool = new Spool();
  const hash = createHash('sha1');
  const isSurely = SURELY_JARS.has(name.slice(name.lastIndexOf('.')));
  let first = Buffer.alloc(0);
  let isJar = true;
  return {
    write(chunk) {
      if (!isJar) return;
      if (first.length < ZIP_MAGIC.length) {
        first = Buffer.concat([first, chunk.subarray(0, ZIP_MAGIC.length)]);
        isJar = isSurely || ZIP_MAGIC.subarray(0, first.length).equals(first.subarray(0, ZIP_MAGIC.length));
        if (!isJar) {
          spool.close();
          return;
        }
      }
      hash.update(chunk);
      spool.write(chunk);
    },
    end(): ReadResult {
      if (!isJar) return {};
      const { artifacts, problems } = spool.use((source) => readJar(source, name, hash.digest('hex')));
      return { packages: artifacts.map(artifactPackage).filter((item) => item !== undefined), problems };
    },
  };
}

function artifactPackage(artifact: JarArtifact): FoundPackage | undefined {
  const name = acceptedText(nameOf(artifact));
  if (name === undefined) return undefined;
  return {
    ecosystem: 'maven',
    name,
    version: artifact.version,
    state: 'installed',
    ...(artifact.within === '' ? {} : { within: artifact.within }),
    ...(artifact.guessed ? { guessed: true } : {}),
    ...(artifact.sha1 === undefined ? {} : { details: { sha1: artifact.sha1 } }),
  };
}
