import { X509Certificate } from 'node:crypto';
import { basename } from 'node:path';
import { messageOf } from '../../base/index.ts';
import type { LayerItem } from '../../oci/index.ts';
import { composeError } from './errors.ts';
import { readSource } from './recipe-files.ts';
import { subjectHash } from './subject-hash.ts';
import type { ComposeRequest } from './types.ts';

/** Of all certificates that are trusted, one after another. */
export const BUNDLE_PATH = 'etc/ssl/certs/ca-certificates.crt';
const FOLDER = 'etc/ssl/certs';

/** Where a family of distributions keeps what it trusts. */
export interface CertificatePlaces {
  /** What its owner adds; the tool that trusts them reads it from here. */
  readonly added: string;
  readonly bundle: string;
  /** What a link by name begins with; undefined: there are no links. */
  readonly linkPrefix: string | undefined;
}

const DEBIAN_PLACES: CertificatePlaces = {
  ...{ added: 'usr/local/share/ca-certificates', bundle: BUNDLE_PATH, linkPrefix: '' },
};
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

interface Certificate {
  /** Without its ending. */
  readonly name: string;
  readonly pem: Buffer;
  readonly hash: string;
}

/**
 * The recipe's CA certificates as update-ca-certificates(8) installs those of /usr/local/share/ca-certificates: a link by
 * name and one by OpenSSL's hash, and all of them at the end of the bundle. Nothing is run, so that both kinds of image,
 * with maintainer scripts and without, get the same.
 *
 * @param bundle what the image trusts without them
 * @param taken paths that are there already
 * @throws COMPOSE_CERTIFICATE_INVALID, COMPOSE_SOURCE_INVALID
 */
export async function certificateItems(
  { recipe, directory, confine }: Pick<ComposeRequest, 'recipe' | 'directory' | 'confine'>,
  bundle: Buffer | undefined,
  taken: Pick<ReadonlySet<string>, 'has'>,
  epoch: number,
  { added, bundle: bundlePath, linkPrefix }: CertificatePlaces = DEBIAN_PLACES,
): Promise<readonly LayerItem[]> {
  const sources = recipe.caCertificates ?? [];
  if (sources.length === 0) return [];
  const read = await Promise.all(
    sources.map(async (source) => certificateOf(source, await readSource(source, directory, confine))),
  );
  // update-ca-certificates takes them by name.
  const certificates = read.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const common = { uid: 0, gid: 0, mtime: epoch };
  const file = (path: string, content: Buffer): LayerItem => ({
    header: { ...common, path, type: 'file', mode: 0o644, size: content.length },
    content,
  });
  const link = (path: string, linkName: string): LayerItem => ({
    header: { ...common, path, type: 'symlink', mode: 0o777, size: 0, linkName },
  });
  const paths = new Set<string>();
  const isTaken = (path: string): boolean => paths.has(path) || taken.has(path);
  const items = certificates.flatMap(({ name, pem, hash }) => {
    if (linkPrefix === undefined) return [file(`${added}/${name}.crt`, pem)];
    let number = 0;
    while (isTaken(`${FOLDER}/${hash}.${number}`)) number += 1;
    const hashed = `${FOLDER}/${hash}.${number}`;
    paths.add(hashed);
    return [
      file(`${added}/${name}.crt`, pem),
      link(`${FOLDER}/${linkPrefix}${name}.pem`, `/${added}/${name}.crt`),
      link(hashed, `${linkPrefix}${name}.pem`),
    ];
  });
  return [
    ...items,
    file(bundlePath, Buffer.concat([bundle ?? Buffer.alloc(0), ...certificates.map(({ pem }) => pem)])),
  ];
}

function certificateOf(source: string, bytes: Buffer): Certificate {
  const bad = (why: string, cause?: unknown): Error =>
    composeError('COMPOSE_CERTIFICATE_INVALID', `${source} cannot be a CA certificate: ${why}`, {
      cause,
      hint: 'A file holds one certificate, as text between BEGIN CERTIFICATE and END CERTIFICATE.',
    });
  const text = bytes.toString('latin1');
  const found = text.match(PEM) ?? [];
  if (found.length !== 1 || /PRIVATE KEY/.test(text)) throw bad(`it holds ${found.length} certificates`);
  try {
    const { raw } = new X509Certificate(found[0] as string);
    const name = basename(source).replace(/\.(?:crt|pem|cer)$/, '');
    return { name, pem: Buffer.from(`${found[0]}\n`, 'latin1'), hash: subjectHash(raw) };
  } catch (error) {
    throw bad(messageOf(error), error);
  }
}
