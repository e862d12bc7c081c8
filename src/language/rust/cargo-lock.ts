import { acceptedText, members, textOf } from '../accept.ts';
import { PARSED_BYTES } from '../limits.ts';
import { parseToml } from '../parse-toml.ts';
import type { ContentReader, FoundPackage } from '../types.ts';

/** Cargo.lock. Packages without a source are the workspace's own. @see https://doc.rust-lang.org/cargo/reference/ */
export const cargoLock: ContentReader = {
  id: 'Cargo.lock',
  version: 1,
  files: { names: ['Cargo.lock'] },
  deferred: true,
  wants: () => ({ kind: 'whole', limit: PARSED_BYTES }),
  read: async (_, bytes) => {
    const packages = members(await parseToml(textOf(bytes)))?.package;
    if (!Array.isArray(packages)) return {};
    return {
      packages: packages.flatMap((value): FoundPackage[] => {
        const entry = members(value);
        const [name, version] = [acceptedText(entry?.name), acceptedText(entry?.version)];
        if (name === undefined || version === undefined || entry?.source === undefined) return [];
        return [{ ecosystem: 'cargo', name, version, state: 'declared' }];
      }),
    };
  },
};
