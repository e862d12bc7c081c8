import { debEcosystem } from '../../src/distro/index.ts';
import { ecosystemContract } from './ecosystem.ts';

const stanza = (name: string, status = ''): string => `Package: ${name}\n${status}Version: 1-1\nArchitecture: amd64\n`;

ecosystemContract({
  ecosystem: debEcosystem,
  files: new Map([
    ['var/lib/dpkg/status', Buffer.from(`${stanza('a', 'Status: install ok installed\n')}\nPackage: broken\nVersi`)],
    ['var/lib/dpkg/status.d/b', Buffer.from(stanza('b'))],
  ]),
  installed: ['a 1-1 amd64', 'b 1-1 amd64'],
  foreignPaths: [
    'var/lib/dpkg/status-old',
    'var/lib/dpkg/status.d/b.md5sums',
    'var/lib/dpkg/status.d/x/y',
    'lib/apk/db',
  ],
  ladder: ['1.0~rc1', '1.0', '1.0-1', '1.0-1+b1', '1:0'],
});
