import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { bits, integer, octets, oid, sequence, set, tagged, text, time, yes } from './der.ts';

/** Certificates of one build: made in memory, believed by nobody else, gone with it. */
export interface Authority {
  /** PEM, for clients inside the build. */
  readonly certificate: string;
  /** What a server named like this shows. */
  contextFor(host: string): SecureContext;
}

const DAY = 24 * 3600 * 1000;
/** Hosts of one build whose certificates are kept. */
const MAX_CONTEXTS = 1000;

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const nameOf = (common: string): Buffer => sequence(set(sequence(oid('2.5.4.3'), text(common.slice(0, 64)))));
const extension = (id: string, critical: boolean, value: Uint8Array): Buffer =>
  sequence(oid(id), ...(critical ? [yes()] : []), octets(value));

interface Holder {
  readonly name: Buffer;
  readonly publicKey: KeyObject;
}

interface Issuer extends Holder {
  readonly privateKey: KeyObject;
}

const infoOf = ({ publicKey }: Holder): Buffer => publicKey.export({ type: 'spki', format: 'der' });
const idOf = (holder: Holder): Buffer => createHash('sha1').update(infoOf(holder)).digest();

/** RFC 5280, as strict clients (Python 3.13) want it: key identifiers and usage included. */
function certificate(subject: Holder, issuer: Issuer, extensions: readonly Buffer[], now: number): string {
  const content = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_SHA256,
    issuer.name,
    sequence(time(new Date(now - DAY)), time(new Date(now + 30 * DAY))),
    subject.name,
    infoOf(subject),
    tagged(
      0xa3,
      sequence(
        ...extensions,
        extension('2.5.29.14', false, octets(idOf(subject))),
        extension('2.5.29.35', false, sequence(tagged(0x80, idOf(issuer)))),
      ),
    ),
  );
  const der = sequence(content, ECDSA_SHA256, bits(sign('sha256', content, issuer.privateKey)));
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [groups(head), tail === undefined ? [] : groups(tail)];
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

const keys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A certificate authority for one build. */
export function createAuthority(now = Date.now()): Authority {
  const root: Issuer = { name: nameOf('heraklit build snapshot'), ...keys() };
  const usage = { sign: Buffer.from([0x06]), use: Buffer.from([0x80]) };
  const own = certificate(
    root,
    root,
    [extension('2.5.29.19', true, sequence(yes())), extension('2.5.29.15', true, bits(usage.sign, 1))],
    now,
  );
  // One key for all hosts: who holds this process's memory holds all of them anyway.
  const server = keys();
  const key = server.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const contexts = new Map<string, SecureContext>();
  return {
    certificate: own,
    contextFor(host) {
      const known = contexts.get(host);
      if (known !== undefined) return known;
      const name = isIP(host) === 0 ? tagged(0x82, Buffer.from(host)) : tagged(0x87, addressBytes(host));
      const leaf = certificate(
        { name: nameOf(host), publicKey: server.publicKey },
        root,
        [
          extension('2.5.29.19', true, sequence()),
          extension('2.5.29.15', true, bits(usage.use, 7)),
          extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))),
          extension('2.5.29.17', false, sequence(name)),
        ],
        now,
      );
      const context = createSecureContext({ key, cert: leaf });
      if (contexts.size < MAX_CONTEXTS) contexts.set(host, context);
      return context;
    },
  };
}
