/**
 * Copies that the new image gets beside `wanted` old ones where something splits requests: they carry `weight` per cent of the
 * load that `wanted` copies carry.
 */
export const copiesFor = (wanted: number, weight: number): number =>
  weight >= 100 ? wanted : Math.max(1, Math.min(wanted, Math.ceil((wanted * weight) / 100)));

/** What runs beside each other at a step where copies alone share the requests. */
export interface Sides {
  /** New ones. */
  readonly copies: number;
  /** Old ones that stay meanwhile. */
  readonly stable: number;
}

/** Most that a step adds to the wanted copies, as Kubernetes' own `maxSurge` by default. */
const SURGE = 0.25;

/**
 * As near to `weight` per cent as whole copies can come. Up to half, no old copy is taken away: new ones stand beside all of
 * them. For more there are as many new ones as copies are wanted, or up to a quarter more, and old ones become fewer: those
 * that serve are never fewer than wanted. At least one of each stays until 100 %. Pure.
 */
export function sidesFor(wanted: number, weight: number): Sides {
  if (weight >= 100) return { copies: wanted, stable: 0 };
  const exact = (wanted * weight) / (100 - weight);
  if (weight <= 50) {
    const candidates = [Math.floor(exact), Math.ceil(exact)].map((copies) => ({
      copies: Math.max(1, Math.min(wanted, copies)),
      stable: wanted,
    }));
    return nearest(candidates, weight);
  }
  const most = wanted + Math.ceil(wanted * SURGE);
  const candidates = Array.from({ length: most - wanted + 1 }, (_, more) => wanted + more).flatMap((copies) => {
    const left = (copies * (100 - weight)) / weight;
    const within = (stable: number): number => Math.max(1, Math.min(wanted, stable));
    return [Math.floor(left), Math.ceil(left)].map((stable) => ({ copies, stable: within(stable) }));
  });
  return nearest(candidates, weight);
}

/** The first of those that come nearest. */
function nearest(candidates: readonly Sides[], weight: number): Sides {
  const off = ({ copies, stable }: Sides): number => Math.abs((100 * copies) / (copies + stable) - weight);
  return candidates.reduce((best, one) => (off(one) < off(best) - 1e-9 ? one : best));
}

/** Per cent that the copies are of all, when they share the requests evenly. */
export const shareOf = ({ copies, stable }: Sides): number =>
  copies + stable === 0 ? 100 : Math.round((100 * copies) / (copies + stable));
