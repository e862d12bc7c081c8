import { parseControl } from '../distro/index.ts';

/** A file of etc/apt: sources.list, sources.list.d/*.list or *.sources. */
export interface AptSourceFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** One enabled binary repository of an apt configuration. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  readonly signedBy: string | undefined;
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/** `deb [option=value …] URI suite component…` (sources.list(5), one-line style). */
function oneLineSources(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(.*)$/.exec(line.replace(/#.*/, ''));
    const [uri, suite, ...components] = words(match?.[2] ?? '');
    if (uri === undefined || suite === undefined) return [];
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(match?.[1] ?? '')?.[1];
    return [{ uri, suite, components, signedBy }];
  });
}

/** Stanzas with Types, URIs, Suites, Components (sources.list(5), deb822 style). */
function deb822Sources(bytes: Uint8Array): AptSource[] {
  return [...parseControl(bytes)].flatMap((stanza) => {
    const enabled = !/^(?:no|false|0|off|without|disable)$/i.test(stanza.get('Enabled') ?? 'yes');
    if (!enabled || !words(stanza.get('Types') ?? '').includes('deb')) return [];
    const components = words(stanza.get('Components') ?? '');
    const signedBy = stanza.get('Signed-By');
    return words(stanza.get('URIs') ?? '').flatMap((uri) =>
      words(stanza.get('Suites') ?? '').map((suite) => ({ uri, suite, components, signedBy })),
    );
  });
}

/** Every enabled binary source, in the order of the files and lines. Broken lines are left out, as they name nothing. */
export function parseAptSources(files: readonly AptSourceFile[]): readonly AptSource[] {
  return files.flatMap(({ path, bytes }) =>
    path.endsWith('.sources') ? deb822Sources(bytes) : oneLineSources(Buffer.from(bytes).toString('utf8')),
  );
}
