import { answered, readContent, type VouchContext } from './voucher.ts';

const MAX_PAGES = 5000;

/** Files of a Python index by the hashes in its pages: HTML (PEP 503) or JSON (PEP 691). */
export async function vouchPip(context: VouchContext): Promise<void> {
  const files = new Set(context.resources.map(({ url }) => url).filter((url) => /\.(?:whl|tar\.gz|zip)$/.test(url)));
  if (files.size === 0) return;
  const pages = answered(context.resources).filter(({ type = '' }) =>
    /^(?:text\/html|application\/vnd\.pypi\.)/.test(type),
  );
  for (const page of pages.slice(0, MAX_PAGES)) {
    const text = (await readContent(context.content, page)).toString('utf8');
    const by = page.by === 'https' ? 'Python index by https' : 'Python index';
    for (const { href, hash } of text.trimStart().startsWith('{') ? ofJson(text) : ofHtml(text)) {
      if (!URL.canParse(href, page.url)) continue;
      const url = new URL(href, page.url);
      url.hash = '';
      if (files.has(url.href)) context.vouchers.set(url.href, { algorithm: 'sha256', hash, by });
    }
  }
}

interface HashedLink {
  readonly href: string;
  readonly hash: string;
}

function ofHtml(text: string): readonly HashedLink[] {
  const links = text.matchAll(/href\s*=\s*["']([^"'#]+)#sha256=([0-9a-f]{64})["']/gi);
  return [...links].map(([, href = '', hash = '']) => ({
    href: href.replaceAll('&amp;', '&'),
    hash: hash.toLowerCase(),
  }));
}

function ofJson(text: string): readonly HashedLink[] {
  try {
    const { files } = JSON.parse(text) as { files?: readonly { url?: unknown; hashes?: { sha256?: unknown } }[] };
    return (files ?? []).flatMap(({ url, hashes }) =>
      typeof url === 'string' && typeof hashes?.sha256 === 'string' ? [{ href: url, hash: hashes.sha256 }] : [],
    );
  } catch {
    return [];
  }
}
