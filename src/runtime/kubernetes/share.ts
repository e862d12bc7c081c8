/**
 * Copies that the new image gets beside `wanted` old ones, which are never taken away. Where copies alone share the
 * requests, `weight` per cent of all copies come as near as whole copies can, up to as many as the old ones: half. Where
 * something splits requests, the new copies carry `weight` per cent of the load that `wanted` copies carry.
 */
export function copiesFor(wanted: number, weight: number, split: 'replicas' | 'requests'): number {
  if (weight >= 100) return wanted;
  if (split === 'requests') return Math.max(1, Math.min(wanted, Math.ceil((wanted * weight) / 100)));
  const exact = (wanted * weight) / (100 - weight);
  const off = (copies: number): number => Math.abs((100 * copies) / (copies + wanted) - weight);
  const [low, high] = [Math.floor(exact), Math.ceil(exact)];
  const nearest = off(low) <= off(high) ? low : high;
  return Math.max(1, Math.min(wanted, nearest));
}

/** Per cent that the copies are of all, when they share the requests evenly. */
export const shareOf = (copies: number, wanted: number): number => Math.round((100 * copies) / (copies + wanted));
