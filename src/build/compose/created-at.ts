import type { ComposeRequest } from './types.ts';

/** Seconds: when a base was made. */
export function createdAt({ base }: Pick<ComposeRequest, 'base'>): number {
  const created = Date.parse(base?.image.config.created ?? '');
  return Number.isFinite(created) ? Math.floor(created / 1000) : 0;
}
