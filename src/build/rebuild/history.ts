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

const textOf = (epoch: number): string => new Date(epoch * 1000).toISOString();

export const createdAt = (config: ImageConfig, epoch: number): ImageConfig => ({ ...config, created: textOf(epoch) });

/** The history with one time for all that was built; what tells of the base's own layers keeps its own. */
export function timed(
  history: readonly HistoryEntry[],
  baseLayers: number,
  epoch: number | undefined,
): readonly HistoryEntry[] {
  if (epoch === undefined) return history;
  let layers = 0;
  return history.map((entry) => {
    if (entry.empty_layer !== true) layers += 1;
    return layers <= baseLayers && baseLayers > 0 ? entry : { ...entry, created: textOf(epoch) };
  });
}
