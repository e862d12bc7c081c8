import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, isAbsolute, normalize } from 'node:path';
import { Readable } from 'node:stream';
import { asCodedError } from '../base/index.ts';
import { type Digest, digestOf } from '../oci/index.ts';
import { artifactError } from './errors.ts';
import { type FileArgument, typeOfFile } from './file-argument.ts';
import { packDirectory } from './pack-directory.ts';
import { type ArtifactContent, TITLE } from './types.ts';

const READ_CHUNK = 1024 * 1024;

/** Bytes in memory as content. */
export function bytesContent(
  bytes: Buffer,
  mediaType: string,
  annotations?: Readonly<Record<string, string>>,
): ArtifactContent {
  return {
    descriptor: {
      mediaType,
      digest: digestOf(bytes),
      size: bytes.length,
      ...(annotations === undefined ? {} : { annotations }),
    },
    open: async () => Readable.from([bytes]),
  };
}

/** The name a file is pulled under: as it was named where that stays below a folder, else its last part. */
export function titleOf(path: string): string {
  const plain = normalize(path);
  return isAbsolute(plain) || plain.startsWith('..') ? basename(plain) : plain.replace(/\/$/, '');
}

/**
 * A file or folder as content, hashed once. A file that changes before it is sent is refused by its digest.
 * @throws ARTIFACT_FILE_INVALID
 */
export async function fileContent(file: FileArgument): Promise<ArtifactContent> {
  const { path } = file;
  const found = await stat(path).catch((error: unknown) => {
    throw artifactError('ARTIFACT_FILE_INVALID', `${path} cannot be read`, {
      cause: error,
      hint: 'Name files and folders that exist, each as FILE or FILE:MEDIATYPE.',
    });
  });
  if (found.isDirectory()) return packDirectory(path, titleOf(path), file.mediaType);
  if (!found.isFile())
    throw artifactError('ARTIFACT_FILE_INVALID', `${path} is neither file nor folder`, {
      hint: 'Sockets, devices and pipes cannot be pushed.',
    });
  const { digest, size } = await hashFile(path);
  return {
    descriptor: { mediaType: typeOfFile(file), digest, size, annotations: { [TITLE]: titleOf(path) } },
    open: async () => createReadStream(path, { highWaterMark: READ_CHUNK }),
  };
}

async function hashFile(path: string): Promise<{ digest: Digest; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_CHUNK }) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      size += chunk.length;
    }
  } catch (error) {
    throw asCodedError(error);
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}
