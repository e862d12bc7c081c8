import type { NewEvent } from '../events/index.ts';
import type { Verification } from './types.ts';

/** `image.verified`, with every step; a failed verification is announced so too, and then quarantined. */
export function verifiedEvent(image: string, verification: Verification): NewEvent {
  const { digest, passed, mode, steps, milliseconds } = verification;
  return {
    type: 'io.heraklit.image.verified',
    subject: image,
    data: { digest, image, passed, mode, steps, milliseconds },
    key: `${digest}\n${passed}`,
  };
}
