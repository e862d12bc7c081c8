/** A signed mirror of two packages with a security update each, and an image that misses both. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { OS_RELEASE, stanza, status } from '../../src/inventory/testing/debian-root.ts';
import { memoryImage } from '../../src/inventory/testing/memory-image.ts';
import { parseReference } from '../../src/oci/index.ts';
import { saveImage } from '../../src/transport/index.ts';
import { type Cli, openCli } from './cli.ts';
import { buildMirror, createSigner, type TestPackage, writeMirror } from './debian-mirror.ts';

const NOW = Date.now();
const DAY = 86_400_000;

function deb(name: string, version: string, cves: string): TestPackage {
  const date = new Date(NOW - 10 * DAY).toUTCString().replace('GMT', '+0000');
  const changelog = `${name} (${version}) trixie-security; urgency=high\n\n  * Fix ${cves}.\n\n -- A <a@example.org>  ${date}\n`;
  return {
    control: {
      Package: name,
      Version: version,
      Architecture: 'amd64',
      Maintainer: 'A <a@example.org>',
      Description: name,
    },
    files: { [`usr/share/doc/${name}/changelog.Debian.gz`]: gzipSync(changelog), [`usr/lib/${name}.so`]: version },
  };
}

export interface AdvisoryHome extends Cli {
  /** `oci:…` of the image. */
  readonly image: string;
  readonly digest: string;
  /** Options that name the mirror and its key. */
  readonly sources: readonly string[];
  write(name: string, document: unknown): Promise<string>;
}

export async function openAdvisoryHome(context: TestContext): Promise<AdvisoryHome> {
  const cli = await openCli(context);
  const signer = await createSigner();
  const paths = await buildMirror(
    [
      { suite: 'trixie', packages: [deb('libone', '1.0-1', 'nothing'), deb('libtwo', '2.0-1', 'nothing')] },
      { suite: 'trixie-updates', packages: [] },
      {
        suite: 'trixie-security',
        packages: [
          deb('libone', '1.0-1+deb13u1', 'CVE-2026-10001 and CVE-2026-10002'),
          deb('libtwo', '2.0-1+deb13u1', 'CVE-2026-20001'),
        ],
      },
    ],
    signer.sign,
    NOW,
  );
  await writeMirror(paths, join(cli.root, 'mirror'));
  await writeFile(join(cli.root, 'key.asc'), signer.armored);
  const image = memoryImage([
    {
      'usr/lib/os-release': OS_RELEASE,
      'var/lib/dpkg/status': status(stanza('libone', '1.0-1'), stanza('libtwo', '2.0-1')),
    },
  ]);
  const reference = `oci:${join(cli.root, 'layout')}:one`;
  await saveImage(image, parseReference(reference));
  await mkdir(join(cli.root, 'advisories'));
  return {
    ...cli,
    image: reference,
    digest: image.digest,
    sources: ['--mirror', `file://${join(cli.root, 'mirror', 'debian')}`, '--keyring', join(cli.root, 'key.asc')],
    write: async (name, document) => {
      const path = join(cli.root, 'advisories', name);
      await writeFile(path, typeof document === 'string' ? document : JSON.stringify(document));
      return path;
    },
  };
}
