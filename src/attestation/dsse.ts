import { attestationError } from './errors.ts';
import type { Signer, VerifyKey } from './key.ts';

/** https://github.com/secure-systems-lab/dsse/blob/master/envelope.md */
export const DSSE_ENVELOPE = 'application/vnd.dsse.envelope.v1+json';
/** More than one signer is the format's promise; more than these is no honest envelope. */
const MAX_SIGNATURES = 32;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

export interface Envelope {
  readonly payloadType: string;
  /** Base64. */
  readonly payload: string;
  readonly signatures: readonly { readonly keyid?: string; readonly sig: string }[];
}

/** What is signed: type and payload, each with its length, so that neither can pass for the other (DSSE protocol.md). */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType);
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `), payload]);
}

/** Without the optional key id: verifiers of bundles made for a key refuse an id that is not what they call the key. */
export async function signEnvelope(payloadType: string, payload: Buffer, signer: Signer): Promise<Envelope> {
  const signature = await signer.sign(preAuthEncoding(payloadType, payload));
  return {
    payloadType,
    payload: payload.toString('base64'),
    signatures: [{ sig: signature.toString('base64') }],
  };
}

/** @throws ATTESTATION_MALFORMED */
export function readEnvelope(value: unknown): Envelope {
  const { payloadType, payload, signatures } = (value ?? {}) as Partial<Envelope>;
  const bad = (why: string): Error => attestationError('ATTESTATION_MALFORMED', `no DSSE envelope: ${why}`);
  if (typeof payloadType !== 'string') throw bad('it has no payloadType');
  if (typeof payload !== 'string' || !BASE64.test(payload)) throw bad('its payload is not base64');
  if (!Array.isArray(signatures) || signatures.length === 0) throw bad('it has no signatures');
  if (signatures.length > MAX_SIGNATURES) throw bad(`it has over ${MAX_SIGNATURES} signatures`);
  const each = signatures.map((one: unknown) => {
    const { sig, keyid } = (one ?? {}) as { readonly sig?: unknown; readonly keyid?: unknown };
    if (typeof sig !== 'string' || !BASE64.test(sig)) throw bad('a signature is not base64');
    return { sig, ...(typeof keyid === 'string' ? { keyid } : {}) };
  });
  return { payloadType, payload, signatures: each };
}

export const payloadOf = (envelope: Envelope): Buffer => Buffer.from(envelope.payload, 'base64');

/**
 * The trusted keys that signed an envelope. The key id it names is only a hint (DSSE): every key is tried.
 */
export function envelopeSigners(envelope: Envelope, trusted: readonly VerifyKey[]): readonly VerifyKey[] {
  const signed = preAuthEncoding(envelope.payloadType, payloadOf(envelope));
  return trusted.filter((key) => envelope.signatures.some(({ sig }) => key.verify(signed, Buffer.from(sig, 'base64'))));
}
