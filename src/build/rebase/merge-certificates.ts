import type { FileMerge, ThreeSides } from './three-sides.ts';

/** Whose upgrade rewrites the two files below. */
export const CERTIFICATES_PACKAGE = 'ca-certificates';
/** Which certificates are trusted: a name a line, `!` before what is not (update-ca-certificates(8)). */
const CHOICE = 'etc/ca-certificates.conf';
/** All that are trusted, one after another; those of /usr/local/share/ca-certificates at the end. */
const BUNDLE = 'etc/ssl/certs/ca-certificates.crt';
/** What the package's postinst keeps of the choice before an upgrade. */
export const KEPT_CHOICE = `${CHOICE}.dpkg-old`;

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/**
 * What the child's upgrade of ca-certificates left, where the new base has the very version that it came to: built anew,
 * nothing would be upgraded, and the new base's files would stay. So they do when the child trusts what the new base
 * trusts; certificates of its own go to the end of the bundle, where update-ca-certificates puts them.
 *
 * @param path of a file that both sides changed
 * @returns undefined for any other file, and where the child chose otherwise
 */
export function mergeCertificates(path: string, sides: ThreeSides): FileMerge | undefined {
  if (path === CHOICE) return isSameChoice(sides) ? { kind: 'merged', content: sides.new } : undefined;
  if (path !== BUNDLE) return undefined;
  const own = ownCertificates(sides);
  return own === undefined
    ? undefined
    : { kind: 'merged', content: Buffer.concat([sides.new, Buffer.from(own, 'latin1')]) };
}

interface Choice {
  readonly trusted: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  readonly comments: ReadonlySet<string>;
}

function choiceOf(bytes: Uint8Array): Choice {
  const lines = text(bytes)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const named = lines.filter((line) => !line.startsWith('#'));
  return {
    trusted: new Set(named.filter((line) => !line.startsWith('!'))),
    refused: new Set(named.filter((line) => line.startsWith('!')).map((line) => line.slice(1))),
    comments: new Set(lines.filter((line) => line.startsWith('#'))),
  };
}

const isWithinSet = (some: Iterable<string>, all: ReadonlySet<string>): boolean =>
  [...some].every((one) => all.has(one));
const isSameSet = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  one.size === other.size && isWithinSet(one, other);

/** The postinst only adds what is new, and puts `!` before what the package no longer has. */
function isSameChoice(sides: ThreeSides): boolean {
  const [old, now, own] = [choiceOf(sides.old), choiceOf(sides.new), choiceOf(sides.own)];
  return (
    isSameSet(own.trusted, now.trusted) &&
    isWithinSet(own.refused, new Set([...now.refused, ...old.refused, ...old.trusted])) &&
    isWithinSet(now.refused, own.refused) &&
    isWithinSet(own.comments, new Set([...old.comments, ...now.comments]))
  );
}

/** What stands in the child's bundle behind everything that the new base trusts, and never stood in its old base. */
function ownCertificates(sides: ThreeSides): string | undefined {
  const [old, now, own] = [sides.old, sides.new, sides.own].map((bytes) => blocksOf(text(bytes)));
  if (old === undefined || now === undefined || own === undefined) return undefined;
  const shared = own.slice(0, now.length);
  const added = own.slice(now.length);
  const isSame = shared.length === now.length && isSameSet(new Set(shared), new Set(now));
  return isSame && added.every((block) => !old.includes(block)) ? added.join('') : undefined;
}

/** Certificates of a bundle as they stand there; undefined where there is anything else in it. */
function blocksOf(bundle: string): readonly string[] | undefined {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n/g) ?? [];
  return blocks.join('') === bundle ? blocks : undefined;
}
