import { createHash } from 'node:crypto';
import type { ImageContents } from '../types.ts';
import { uuidOf } from './uuid.ts';

export interface SbomOptions {
  /** What the reader calls the image; its digest when undefined. */
  readonly reference?: string;
  /** Version of heraklit, named as the tool. */
  readonly toolVersion: string;
}

/** What both formats say of the document itself. Nothing here depends on when or where it is written. */
export interface SbomSubject {
  readonly name: string;
  /** Manifest digest; of a root folder, a digest over its packages. */
  readonly version: string;
  readonly uuid: string;
  /** ISO 8601, whole seconds. */
  readonly created: string;
}

/** The same image gives the same document: serial number from the digest, time from the image's own `created`. */
export function subjectOf(contents: ImageContents, options: SbomOptions): SbomSubject {
  const version = contents.digest ?? `sha256:${packagesHash(contents)}`;
  const created = new Date(contents.config?.created ?? 0);
  const valid = Number.isNaN(created.getTime()) ? new Date(0) : created;
  return {
    name: options.reference ?? version,
    version,
    uuid: uuidOf(version),
    created: `${valid.toISOString().slice(0, 19)}Z`,
  };
}

function packagesHash(contents: ImageContents): string {
  const hash = createHash('sha256').update(`${contents.distribution?.name ?? ''}\n`);
  for (const item of contents.packages) hash.update(`${item.name}\t${item.architecture}\t${item.version}\n`);
  for (const { purl, state } of contents.languagePackages) hash.update(`${purl}\t${state}\n`);
  return hash.digest('hex');
}
