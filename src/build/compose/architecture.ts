import { ecosystemOf, familyOfDistribution } from '../../distro/index.ts';
import { platformOf } from './image-config.ts';

/** Debian's word (`amd64`), by which recipes and locks name what is built → that of the distribution (`x86_64`). */
export function packageArchitecture(distribution: string, architecture: string): string {
  const family = familyOfDistribution(distribution);
  if (family === 'deb') return architecture;
  // apk tells the two kinds of 32-bit ARM apart, GOARCH does not.
  if (family === 'apk' && architecture === 'armel') return 'armhf';
  return ecosystemOf(family).nativeArchitecture([], platformOf(architecture).architecture);
}
