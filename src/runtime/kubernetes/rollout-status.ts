import type { RolloutBlame } from '../strategy.ts';

/** Where a rollout stands, whatever kind of object it is of. */
export type RolloutStatus =
  | { readonly kind: 'complete' }
  | {
      readonly kind: 'progressing';
      readonly done: number;
      readonly total: number;
      readonly detail: string;
      /** It waits on purpose, for somebody or for a while: no deadline runs meanwhile. */
      readonly held?: boolean;
      /** Its controller has not seen the newest state yet, so nothing is known of it. */
      readonly unseen?: boolean;
    }
  | { readonly kind: 'stuck'; readonly reason: string; readonly blame: RolloutBlame };
