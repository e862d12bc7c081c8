import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { asS3Error } from './failures.ts';
import type { S3Options } from './options.ts';

const DEFAULT_ATTEMPTS = 5;
const DEFAULT_TIMEOUT = 60_000;
const CONNECT_TIMEOUT = 10_000;
const PARALLEL_DELETES = 8;

export interface S3Object {
  /** Without the store's prefix. */
  readonly name: string;
  readonly size: number;
  /** ms since the epoch; many servers round it down to seconds. */
  readonly modified: number;
}

/** One bucket (and prefix) of an S3 API: what all requests have in common. */
export interface S3Connection {
  readonly client: S3Client;
  /** `Bucket` and `Key` of a request, of a name inside the store. */
  at(name: string): { readonly Bucket: string; readonly Key: string };
  readonly bucket: string;
  /** Added to requests that write. */
  readonly encryption: object;
  /** For people: `s3://bucket/prefix`. */
  readonly where: string;
  /** Errors of a request become coded ones; `isAbsentObject` ones stay for the caller where it says so. */
  run<T>(request: Promise<T>): Promise<T>;
  list(prefix: string): AsyncGenerator<S3Object>;
  delete(names: readonly string[]): Promise<void>;
}

export function connectS3(options: S3Options): S3Connection {
  const { bucket, endpoint, credentials, encryption, encryptionKey } = options;
  const prefix = options.prefix === undefined || options.prefix === '' ? '' : `${options.prefix}/`;
  const where = `s3://${bucket}/${prefix}`.replace(/\/$/, '');
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    region: options.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1',
    forcePathStyle: options.pathStyle ?? endpoint !== undefined,
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: options.attempts ?? DEFAULT_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT,
      requestTimeout: options.timeout ?? DEFAULT_TIMEOUT,
      throwOnRequestTimeout: true,
    },
    // Content is verified by its own digest; trailing checksums are what many S3 servers do not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const at = (name: string) => ({ Bucket: bucket, Key: `${prefix}${name}` });
  const run = async <T>(request: Promise<T>): Promise<T> => {
    try {
      return await request;
    } catch (error) {
      throw asS3Error(error, where);
    }
  };
  return {
    client,
    at,
    bucket,
    where,
    run,
    encryption: {
      ...(encryption === undefined ? {} : { ServerSideEncryption: encryption }),
      ...(encryptionKey === undefined ? {} : { SSEKMSKeyId: encryptionKey }),
    },
    async *list(folder) {
      let token: string | undefined;
      do {
        const command = new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: `${prefix}${folder}`,
          ...(token === undefined ? {} : { ContinuationToken: token }),
        });
        const page = await run(client.send(command));
        for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
          yield { name: Key.slice(prefix.length), size: Size, modified: LastModified?.getTime() ?? 0 };
        }
        token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (token !== undefined);
    },
    async delete(names) {
      // One by one: deleting many in one request needs a checksum that servers disagree about.
      for (let from = 0; from < names.length; from += PARALLEL_DELETES) {
        const some = names.slice(from, from + PARALLEL_DELETES);
        await run(Promise.all(some.map((name) => client.send(new DeleteObjectCommand(at(name))))));
      }
    },
  };
}
