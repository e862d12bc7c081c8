import { acceptedText, textOf } from '../accept.ts';
import { LOCK_BYTES } from '../limits.ts';
import type { ContentReader, FoundPackage } from '../types.ts';

/**
 * Gemfile.lock: gems of the GEM and GIT sections, four spaces deep; PATH ones are folders of the project.
 * @see https://bundler.io/man/gemfile.5.html
 */
export const gemfileLock: ContentReader = {
  id: 'Gemfile.lock',
  version: 1,
  files: { names: ['Gemfile.lock', 'gems.locked'] },
  wants: () => ({ kind: 'whole', limit: LOCK_BYTES }),
  read: (_, bytes) => ({ packages: readGemfileLock(textOf(bytes)) }),
};

function readGemfileLock(text: string): readonly FoundPackage[] {
  const found = new Map<string, FoundPackage>();
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    if (/^[A-Z]/.test(line)) section = line.trim();
    if (section !== 'GEM' && section !== 'GIT') continue;
    const match = /^ {4}(\S+) \(([^)\s]+)\)$/.exec(line);
    const name = acceptedText(match?.[1]);
    // `1.15.4-x86_64-linux`: the same gem built for one platform.
    const version = acceptedText(match?.[2]?.replace(/-.*$/, ''));
    if (name === undefined || version === undefined) continue;
    found.set(`${name} ${version}`, { ecosystem: 'gem', name, version, state: 'declared' });
  }
  return [...found.values()];
}
