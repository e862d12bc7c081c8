import type { HistoryEntry, ImageConfig } from '../../oci/index.ts';

const layersTold = (history: readonly HistoryEntry[]): number =>
  history.filter(({ empty_layer: empty }) => empty !== true).length;

/** Whether a configuration's history tells of as many layers as there are: builders refuse to build on others. */
export const hasHonestHistory = ({ history = [], rootfs }: ImageConfig): boolean =>
  history.length === 0 || layersTold(history) === rootfs.diff_ids.length;

/** The history with an entry for each layer at the bottom that it does not tell of. */
export function completeHistory(history: readonly HistoryEntry[], layers: number): readonly HistoryEntry[] {
  const untold = Math.max(0, layers - layersTold(history));
  return [...Array.from({ length: untold }, () => ({ comment: 'a layer of the base' })), ...history];
}
