import { sql } from 'kysely';

/** How a statement begins that says so of itself. */
export const PLANNED_ONCE = '/* planned once */';

/**
 * Written first in a statement that goes through indexes by names it is given, whatever they are: sql`${plannedOnce}
 * select …`. The embedded database keeps its plan. Without this it would plan each call anew, because an array of one
 * name looks cheaper than the ten it supposes of any array, and planning takes longer than the rest of the call.
 * Not for patterns, ranges or bulk: what they want of a plan depends on what they are given.
 * @see https://www.postgresql.org/docs/current/runtime-config-query.html#GUC-PLAN-CACHE-MODE
 */
export const plannedOnce = sql.raw(PLANNED_ONCE);
