import { createHash } from 'node:crypto';
import pg from 'pg';
import { PLANNED_ONCE } from './planned-once.ts';

/** Statements that a connection keeps; further ones are planned each time. */
const KEPT = 200;

const names = new Map<string, string>();

/** A name for statements that say they want one plan; the same in every process, as a pooler may share connections. */
function nameOf(text: string): string | undefined {
  if (!text.startsWith(PLANNED_ONCE)) return undefined;
  const known = names.get(text);
  if (known !== undefined || names.size >= KEPT) return known;
  const name = `heraklit_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
  names.set(text, name);
  return name;
}

type Query = (...parameters: readonly unknown[]) => Promise<pg.QueryResult>;

/**
 * A connection on which statements that begin with `plannedOnce` stay prepared: the server parses each once, and plans
 * it once where a plan for any parameters costs no more. Planning takes longer than running what looks up few rows.
 */
export class PreparedClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const plain = this.query.bind(this) as unknown as Query;
    const query: Query = (first, values, ...rest) => {
      const name = typeof first === 'string' && Array.isArray(values) && rest.length === 0 ? nameOf(first) : undefined;
      return name === undefined ? plain(first, values, ...rest) : plain({ name, text: first, values });
    };
    this.query = query as unknown as typeof this.query;
  }
}
