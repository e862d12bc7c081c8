import { answered, readContent, type VouchContext } from './voucher.ts';

const MAX_PACKUMENTS = 5000;

/** Tarballs of npm by the `integrity` of the package's document, which came by https (docs.npmjs.com, registry API). */
export async function vouchNpm(context: VouchContext): Promise<void> {
  const tarballs = new Set(context.resources.map(({ url }) => url).filter((url) => url.endsWith('.tgz')));
  if (tarballs.size === 0) return;
  const documents = answered(context.resources).filter(({ type = '' }) =>
    /^application\/(?:json|vnd\.npm\.)/.test(type),
  );
  for (const document of documents.slice(0, MAX_PACKUMENTS)) {
    for (const { tarball, integrity } of versionsOf(await readContent(context.content, document))) {
      const hash = /^sha512-([A-Za-z0-9+/]{86}==)$/.exec(integrity)?.[1];
      if (!tarballs.has(tarball) || hash === undefined) continue;
      const by = document.by === 'https' ? 'npm integrity by https' : 'npm integrity';
      context.vouchers.set(tarball, { algorithm: 'sha512', hash: Buffer.from(hash, 'base64').toString('hex'), by });
    }
  }
}

function versionsOf(bytes: Buffer): readonly { readonly tarball: string; readonly integrity: string }[] {
  try {
    const { versions } = JSON.parse(bytes.toString('utf8')) as {
      versions?: Record<string, { dist?: Record<string, unknown> }>;
    };
    return Object.values(versions ?? {}).map(({ dist }) => ({
      tarball: String(dist?.tarball ?? ''),
      integrity: String(dist?.integrity ?? ''),
    }));
  } catch {
    return [];
  }
}
