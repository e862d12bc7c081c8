import type { EventRecord } from '../../../src/http/contract.ts';

export interface Description {
  readonly word: string;
  readonly subject: string;
  readonly tone: 'good' | 'bad' | 'warn' | 'idle';
}

const TONES: Readonly<Record<string, Description['tone']>> = {
  released: 'good',
  verified: 'good',
  published: 'good',
  rolledout: 'good',
  outdated: 'warn',
  quarantined: 'bad',
  unquarantined: 'warn',
  rolledback: 'bad',
  failed: 'bad',
};

const WORDS: Readonly<Record<string, string>> = {
  rolledout: 'rolled out',
  rolledback: 'rolled back',
  unquarantined: 'quarantine lifted',
};

/** `io.heraklit.image.outdated` about `host/path/name:tag` → `outdated`, `name:tag`. */
export function describeEvent({ type, subject }: EventRecord): Description {
  const last = type.split('.').at(-1) ?? type;
  const image = /^[^/]+\/.*\/([^/@]+)(?:@.*)?$/.exec(subject)?.[1];
  const shown = type.includes('.image.') ? (image ?? subject) : subject;
  return { word: WORDS[last] ?? last, subject: shown, tone: TONES[last] ?? 'idle' };
}
