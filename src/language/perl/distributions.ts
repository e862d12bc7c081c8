import { acceptedText, members, parseJson, textOf } from '../accept.ts';
import { LOCK_BYTES, MANIFEST_BYTES } from '../limits.ts';
import { type ContentReader, type FoundPackage, NOTHING } from '../types.ts';

/**
 * perllocal.pod, to which `make install` of a module adds an entry. The same module again is an upgrade: the last counts.
 * @see https://metacpan.org/pod/ExtUtils::Install
 */
export const perlLocal: ContentReader = {
  id: 'perllocal.pod',
  version: 1,
  files: { names: ['perllocal.pod'] },
  wants: () => ({ kind: 'whole', limit: LOCK_BYTES }),
  read: (_, bytes) => {
    const versions = new Map<string, string>();
    for (const entry of textOf(bytes).split(/^=head2 /m)) {
      const name = acceptedText(/\bL<([A-Za-z0-9_:]+)\|/.exec(entry)?.[1]);
      const version = acceptedText(/C<VERSION: ([^>\s]+)>/.exec(entry)?.[1]);
      if (name !== undefined && version !== undefined) versions.set(distribution(name), version);
    }
    return { packages: [...versions].map(([name, version]) => found(name, version)) };
  },
};

/** cpanm and cpm keep .meta/DIST-VERSION/install.json of what they installed. */
export const cpanInstalled: ContentReader = {
  id: 'install.json',
  version: 1,
  files: { names: ['install.json'] },
  wants: ({ path }) => (/\/\.meta\/[^/]+\/install\.json$/.test(path) ? { kind: 'whole', limit: MANIFEST_BYTES } : 'no'),
  read: (_, bytes) => {
    const meta = members(parseJson(bytes));
    const dist = /^(.+)-v?[0-9][^-]*$/.exec(acceptedText(meta?.dist) ?? '')?.[1];
    const name = dist ?? acceptedText(meta?.name);
    const version = acceptedText(meta?.version);
    return name === undefined || version === undefined ? NOTHING : { packages: [found(distribution(name), version)] };
  },
};

const found = (name: string, version: string): FoundPackage => ({
  ecosystem: 'cpan',
  name,
  version,
  state: 'installed',
});

/** CPAN has distributions, `Foo-Bar`, named after their main module, `Foo::Bar`. */
const distribution = (name: string): string => name.replaceAll('::', '-');
