import type { FileChange, LayerReport } from '../../inventory/index.ts';
import { renderTable } from './table.ts';
import { bytesText, count, shortDigest } from './words.ts';

const COMMAND_LENGTH = 60;

/** One line a layer, bottom first, and the whole below. */
export function renderLayers(report: LayerReport): string {
  const table = renderTable(
    report.layers.map((layer, at) => ({ layer, number: at + 1 })),
    [
      { title: '#', value: ({ number }) => String(number), align: 'right' },
      { title: 'LAYER', value: ({ layer }) => shortDigest(layer.digest) },
      { title: 'COMPRESSED', value: ({ layer }) => bytesText(layer.compressedBytes), align: 'right' },
      { title: 'FILES', value: ({ layer }) => bytesText(layer.bytes), align: 'right' },
      { title: 'ENTRIES', value: ({ layer }) => String(layer.entries), align: 'right' },
      {
        title: 'WASTED',
        value: ({ layer }) => (layer.wastedBytes === 0 ? '' : bytesText(layer.wastedBytes)),
        align: 'right',
      },
      { title: 'PACKAGES', value: ({ layer }) => effectText(layer.packages) },
      { title: 'MADE BY', value: ({ layer }) => commandText(layer.createdBy ?? '') },
    ],
  );
  const efficiency = `${(report.efficiency * 100).toFixed(1)} %`;
  const total = `${count(report.layers.length, 'layer')}, ${bytesText(report.compressedBytes)} compressed, ${bytesText(report.bytes)} in files`;
  return `${table}\n\n${total}, ${bytesText(report.wastedBytes)} wasted (efficiency ${efficiency})`;
}

function effectText(effect: LayerReport['layers'][number]['packages']): string {
  const parts = [
    effect.added.length > 0 ? `+${effect.added.length}` : '',
    effect.changed.length > 0 ? `~${effect.changed.length}` : '',
    effect.removed.length > 0 ? `-${effect.removed.length}` : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
}

function commandText(command: string): string {
  const line = command.replace(/\s+/g, ' ').replace(/^\/bin\/sh -c (?:#\(nop\) )?/, '');
  return line.length > COMMAND_LENGTH ? `${line.slice(0, COMMAND_LENGTH - 1)}…` : line;
}

const ACTIONS = { added: 'A', changed: 'C', removed: 'D' } as const;

/** One line a change, by layer and path. */
export function renderFileChanges(layers: readonly (readonly FileChange[])[]): string {
  const rows = layers.flatMap((changes, at) => changes.map((change) => ({ ...change, layer: at + 1 })));
  return renderTable(rows, [
    { title: '#', value: ({ layer }) => String(layer), align: 'right' },
    { title: '', value: ({ action }) => ACTIONS[action] },
    { title: 'MODE', value: ({ mode }) => (mode === undefined ? '' : mode.toString(8).padStart(4, '0')) },
    { title: 'SIZE', value: ({ size }) => (size === undefined ? '' : bytesText(size)), align: 'right' },
    { title: 'PATH', value: ({ path }) => path },
  ]);
}
