import type { CollectAnswer } from '../../registry/index.ts';
import { renderTable } from './table.ts';
import { bytesText, count } from './words.ts';

/** Blobs shown one by one. */
const SHOWN = 50;

const REASONS = {
  named: 'named by a manifest',
  manifest: 'is a manifest',
  recent: 'new, or counted on within the grace',
  inUse: 'a client counts on it',
  needed: 'of an image the fleet needs',
  uncertain: 'beside a manifest that cannot be read',
  meanwhile: 'came into use meanwhile',
} as const;

/** Why blobs stay, which go, and what that frees. */
export function renderCollection(answer: CollectAnswer): string {
  const kept = Object.entries(REASONS)
    .map(([reason, text]) => ({ text, amount: answer.kept[reason as keyof typeof REASONS] }))
    .filter(({ amount }) => amount.blobs > 0);
  const rows = [
    ...kept,
    { text: answer.dryRun ? 'would be deleted' : 'deleted', amount: answer.freed },
    { text: 'looked at', amount: answer.looked },
  ];
  const table = renderTable(rows, [
    { title: 'BLOBS', value: ({ amount }) => String(amount.blobs), align: 'right' },
    { title: 'BYTES', value: ({ amount }) => bytesText(amount.bytes), align: 'right' },
    { title: 'WHY', value: ({ text }) => text },
  ]);
  const listed = answer.dryRun
    ? answer.blobs.slice(0, SHOWN).map(({ digest, size }) => `${digest}  ${bytesText(size)}`)
    : [];
  const more =
    answer.dryRun && answer.freed.blobs > listed.length ? [`… and ${answer.freed.blobs - listed.length} more`] : [];
  const unreadable = answer.unreadable.map(({ digest, reason }) => `unreadable manifest ${digest}: ${reason}`);
  const summary = `${count(answer.manifests, 'manifest')} marked in ${(answer.milliseconds / 1_000).toFixed(1)} s; ${count(answer.links, 'link')} ${answer.dryRun ? 'would be ' : ''}removed`;
  return [table, [...listed, ...more].join('\n'), unreadable.join('\n'), summary]
    .filter((text) => text !== '')
    .join('\n\n');
}
