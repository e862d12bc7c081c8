import { shown, unsafe } from './refuse.ts';
import type { TreeEntry } from './tree-entry.ts';

/** More than anything that reads files follows; Linux stops after 40. */
const MAX_FOLLOWED = 1_000;

/**
 * Follows every link through the tree as the kernel would, and refuses those that leave it: what reads the unpacked files
 * later may follow links without a thought. Links to what is not there are harmless and stay.
 * @throws SOURCE_UNSAFE
 */
export async function checkLinks(entries: readonly TreeEntry[]): Promise<void> {
  const targets = new Map<string, string>();
  for (const entry of entries) {
    if (entry.type === 'symlink') targets.set(entry.path.toString('latin1'), (await entry.read()).toString('latin1'));
  }
  for (const path of targets.keys()) {
    if (leaves(path, targets)) throw unsafe(`the link ${shown(Buffer.from(path, 'latin1'))}, which leads out of it`);
  }
}

function leaves(start: string, targets: ReadonlyMap<string, string>): boolean {
  const waiting = start.split('/').reverse();
  const at: string[] = [];
  let followed = 0;
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (at.length === 0) return true;
      at.pop();
      continue;
    }
    at.push(part);
    const target = targets.get(at.join('/'));
    if (target === undefined) continue;
    if (target.startsWith('/') || target.includes('\0')) return true;
    followed += 1;
    // A loop leads nowhere: whoever opens it gets an error.
    if (followed > MAX_FOLLOWED) return false;
    at.pop();
    waiting.push(...target.split('/').reverse());
  }
  return false;
}
