import { useSyncExternalStore } from 'react';

export const PAGES = { fleet: 'Fleet', rollouts: 'Rollouts' } as const;
export type PageName = keyof typeof PAGES;

function watch(changed: () => void): () => void {
  addEventListener('hashchange', changed);
  return () => removeEventListener('hashchange', changed);
}

/** By the address, so that a page can be linked to and the browser's back button works. */
export function usePage(): PageName {
  return useSyncExternalStore(watch, () => (location.hash === '#rollouts' ? 'rollouts' : 'fleet'));
}
