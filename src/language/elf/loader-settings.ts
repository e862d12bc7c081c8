import { textOf } from '../accept.ts';
import type { ContentReader } from '../types.ts';

/** Where glibc's and musl's dynamic loaders look for what to search. */
const SETTINGS = /^etc\/(?:ld\.so\.(?:conf|preload)|ld\.so\.conf\.d\/[^/]+|ld-musl-[^/]+\.path)$/;
const LIMIT = 256 * 1024;

/** Settings of the dynamic loader, as they are: small texts. */
export const loaderSettings: ContentReader = {
  id: 'loader-settings',
  version: 1,
  files: { names: ['ld.so.conf', 'ld.so.preload'], extensions: ['.conf', '.path'] },
  wants: ({ path }) => (path.startsWith('etc/') && SETTINGS.test(path) ? { kind: 'whole', limit: LIMIT } : 'no'),
  read: (_, bytes) => ({ facts: textOf(bytes) }),
};
