import { createHash } from 'node:crypto';
import { verifyDetached } from '../detached-signature.ts';
import { distroError } from '../errors.ts';
import { verifyClearSigned } from './clear-sign.ts';
import { parseSingleStanza } from './control.ts';
import type { Keyring } from './keyring.ts';
import type { Stanza } from './stanza.ts';

/** A file that a Release file vouches for. */
export interface ReleaseFile {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** What a repository's Release file says, once verified. */
export interface Release {
  /** sha256 of the file as it came from the mirror, signature included. */
  readonly digest: string;
  readonly origin: string;
  readonly suite: string;
  readonly codename: string;
  /** `13.7`; '' for suites without one. */
  readonly version: string;
  /** Seconds since the epoch. */
  readonly date: number;
  /** Seconds since the epoch; undefined where the repository sets none. */
  readonly validUntil: number | undefined;
  readonly components: readonly string[];
  readonly architectures: readonly string[];
  readonly acquireByHash: boolean;
  readonly notAutomatic: boolean;
  readonly butAutomaticUpgrades: boolean;
  /** Fingerprints of the primary keys; empty only for a `trusted` repository. */
  readonly signedBy: readonly string[];
  /** What was signed, and nothing around it: `rereadRelease` takes it. */
  readonly text: string;
  /** Path below the Release file's own folder → hash and size. */
  readonly files: ReadonlyMap<string, ReleaseFile>;
}

export interface VerifyReleaseOptions {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Suite or codename asked for; anything else is RELEASE_MISMATCH. */
  readonly suite?: string;
  /** True: a file that names neither suite nor codename will do (repositories that are no distribution's). */
  readonly suiteOptional?: boolean;
  /** True: take it unsigned and stale (a repository the user vouches for). */
  readonly trusted?: boolean;
  /** What to call the file in messages. */
  readonly what?: string;
}

/** Largest InRelease read; the largest real one has 200 KiB. */
export const MAX_RELEASE_BYTES = 16 * 1024 * 1024;

/** Seconds a mirror's clock may be ahead of ours. */
const CLOCK_SKEW = 300;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DATE = /^(?:\w{3},\s+)?(\d{1,2}) (\w{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:UTC|GMT|Z|\+0000)$/;

/** `Sat, 12 Sep 2026 07:55:41 UTC` → seconds since the epoch; other time zones are not allowed in Release files. */
export function parseReleaseDate(text: string | undefined): number | undefined {
  const match = DATE.exec(text ?? '');
  const month = match === null ? -1 : MONTHS.indexOf(match[2] ?? '');
  if (match === null || month < 0) return undefined;
  const [day, year, hour, minute, second] = [match[1], match[3], match[4], match[5], match[6]].map(Number);
  return Date.UTC(year as number, month, day, hour, minute, second) / 1000;
}

const FILE_LINE = /^\s*([0-9a-f]{64})\s+(\d{1,15})\s+(\S+)\s*$/;

function releaseFiles(stanza: Stanza, what: string): ReadonlyMap<string, ReleaseFile> {
  const section = stanza.get('SHA256');
  if (section === undefined) {
    throw distroError('RELEASE_WEAK', `${what} lists no SHA-256 hashes`, {
      hint: 'MD5 and SHA-1 can be forged; the repository must be published with SHA256.',
    });
  }
  const files = new Map<string, ReleaseFile>();
  for (const line of section.split('\n')) {
    if (line.trim() === '') continue;
    const match = FILE_LINE.exec(line);
    if (match?.[1] === undefined || match[3] === undefined) {
      throw distroError('RELEASE_INVALID', `${what} has a broken SHA256 line: ${JSON.stringify(line.slice(0, 200))}`);
    }
    files.set(match[3], { sha256: match[1], size: Number(match[2]) });
  }
  return files;
}

const words = (text: string | undefined): string[] => (text ?? '').split(/\s+/).filter((word) => word !== '');

/** Text of a Release file → its facts; no judgement on time or trust. @throws RELEASE_INVALID, RELEASE_WEAK */
export function parseRelease(text: string, digest: string, signedBy: readonly string[], what: string): Release {
  const stanza = parseSingleStanza(Buffer.from(text, 'utf8'), what);
  const date = parseReleaseDate(stanza.get('Date'));
  const validUntil = parseReleaseDate(stanza.get('Valid-Until'));
  if (date === undefined || (stanza.has('Valid-Until') && validUntil === undefined)) {
    throw distroError('RELEASE_INVALID', `${what} has no readable Date or Valid-Until`);
  }
  return {
    digest,
    origin: stanza.get('Origin') ?? '',
    suite: stanza.get('Suite') ?? '',
    codename: stanza.get('Codename') ?? '',
    version: stanza.get('Version') ?? '',
    date,
    validUntil,
    // Security suites historically say `updates/main` for what lies in `main`.
    components: words(stanza.get('Components')).map((component) => component.replace(/^updates\//, '')),
    architectures: words(stanza.get('Architectures')),
    acquireByHash: stanza.get('Acquire-By-Hash') === 'yes',
    notAutomatic: stanza.get('NotAutomatic') === 'yes',
    butAutomaticUpgrades: stanza.get('ButAutomaticUpgrades') === 'yes',
    signedBy,
    text,
    files: releaseFiles(stanza, what),
  };
}

/** Refuses a Release file of another suite, from the future, or past its Valid-Until. */
export function checkRelease(release: Release, options: VerifyReleaseOptions): void {
  const { suite, now, trusted = false } = options;
  const what = options.what ?? 'the Release file';
  const isNamed = release.suite !== '' || release.codename !== '' || options.suiteOptional !== true;
  if (suite !== undefined && isNamed && suite !== release.suite && suite !== release.codename) {
    throw distroError(
      'RELEASE_MISMATCH',
      `${what} is that of suite ${release.suite || '?'} (${release.codename || '?'}), not of ${suite}`,
      { hint: 'The mirror answers with the wrong suite; use another one.' },
    );
  }
  if (trusted) return;
  const seconds = now / 1000;
  if (release.validUntil !== undefined && seconds > release.validUntil) {
    const until = new Date(release.validUntil * 1000).toISOString();
    throw distroError('RELEASE_EXPIRED', `${what} is stale: valid until ${until}`, {
      hint: 'The mirror no longer updates this suite: use another one, and check the clock of this machine.',
      details: { validUntil: release.validUntil },
    });
  }
  if (release.date > seconds + CLOCK_SKEW) {
    const date = new Date(release.date * 1000).toISOString();
    throw distroError('RELEASE_FUTURE', `${what} is dated ${date}, which is in the future`, {
      hint: 'Check the clock of this machine.',
    });
  }
}

/**
 * An InRelease file → what it vouches for: signed by the keyring, of the suite asked for, fresh, with strong hashes.
 *
 * @throws RELEASE_UNSIGNED, RELEASE_MISMATCH, RELEASE_EXPIRED, RELEASE_FUTURE, RELEASE_WEAK, RELEASE_INVALID,
 *         DISTRO_CONTROL_INVALID
 * @see https://wiki.debian.org/DebianRepository/Format#A.22Release.22_files
 */
export async function verifyRelease(
  bytes: Uint8Array,
  keyring: Keyring,
  options: VerifyReleaseOptions,
): Promise<Release> {
  const what = options.what ?? 'the Release file';
  if (bytes.byteLength > MAX_RELEASE_BYTES) {
    throw distroError('RELEASE_INVALID', `${what} has ${bytes.byteLength} bytes, more than ${MAX_RELEASE_BYTES}`);
  }
  const digest = createHash('sha256').update(bytes).digest('hex');
  const { text, signedBy } =
    options.trusted === true
      ? { text: unwrap(bytes), signedBy: [] }
      : await verifyClearSigned(bytes, keyring, options.now, what);
  const release = parseRelease(text, digest, signedBy, what);
  checkRelease(release, options);
  return release;
}

/**
 * A Release file whose signature lies beside it (Release.gpg), as `verifyRelease`.
 *
 * @throws as `verifyRelease`
 */
export async function verifyDetachedRelease(
  bytes: Uint8Array,
  signature: Uint8Array,
  keyring: Keyring,
  options: VerifyReleaseOptions,
): Promise<Release> {
  const what = options.what ?? 'the Release file';
  if (bytes.byteLength > MAX_RELEASE_BYTES) {
    throw distroError('RELEASE_INVALID', `${what} has ${bytes.byteLength} bytes, more than ${MAX_RELEASE_BYTES}`);
  }
  const signedBy = await verifyDetached(bytes, signature, keyring, options.now, what);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const release = parseRelease(Buffer.from(bytes).toString('utf8'), digest, signedBy, what);
  checkRelease(release, options);
  return release;
}

/**
 * A Release whose signature was verified earlier, from its signed text: everything but the signature is checked again.
 * The text, not the file: what surrounds it was never signed.
 *
 * @throws RELEASE_MISMATCH, RELEASE_EXPIRED, RELEASE_FUTURE, RELEASE_WEAK, RELEASE_INVALID
 */
export function rereadRelease(
  verified: Pick<Release, 'text' | 'digest' | 'signedBy'>,
  options: VerifyReleaseOptions,
): Release {
  const { text, digest, signedBy } = verified;
  const release = parseRelease(text, digest, signedBy, options.what ?? 'the Release file');
  checkRelease(release, options);
  return release;
}

/** The text inside a clear-signature without checking it; a plain Release file as it is. */
function unwrap(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').replaceAll('\r\n', '\n');
  if (!text.startsWith('-----BEGIN PGP SIGNED MESSAGE-----')) return text;
  const start = text.indexOf('\n\n');
  const end = text.indexOf('\n-----BEGIN PGP SIGNATURE-----');
  return text
    .slice(start, end < 0 ? undefined : end)
    .replace(/^\s+/, '')
    .replace(/^- /gm, '');
}
