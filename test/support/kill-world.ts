/** The fleet of the kill test before and after updates arrive: every kind of outcome is in it. */
import type { FakeOptions, World } from './fleet.ts';

const IMAGES: World['images'] = {
  base: { packages: ['libc6', 'zlib1g'] },
  tls: { base: 'base', packages: ['openssl'] },
  web: { base: 'tls', packages: ['nginx'] },
  api: { base: 'tls', packages: ['curl'] },
  script: { base: 'base', packages: ['python3'] },
  shop: { base: 'web' },
  blog: { base: 'web' },
  orders: { base: 'api' },
  report: { base: 'script' },
  still: { packages: ['busybox'] },
  'still-child': { base: 'still' },
  tool: { packages: ['jq'] },
};
const VERSIONS = { libc6: '1', zlib1g: '1', openssl: '1', nginx: '1', curl: '1', python3: '1', busybox: '1', jq: '1' };

export const RELEASE: World = { versions: VERSIONS, images: IMAGES };

/** openssl goes through, curl is rejected, python3 is rolled back, still's recipe is only reworded. */
export const UPDATED: World = {
  versions: { ...VERSIONS, openssl: '2', curl: '2', python3: '2' },
  images: { ...IMAGES, still: { packages: ['busybox'], comment: 'reworded' } },
};

export const FAKES: FakeOptions = { delay: 10, rollout: true, broken: ['curl=2'], unhealthy: ['python3=2'] };
