import type pg from 'pg';

/** Stops listening. */
export type Unlisten = () => Promise<void>;

/** Channels are ours, few and constant; a plain identifier needs no quoting on either database. */
export type Channel = `heraklit_${Lowercase<string>}`;

const RECONNECT_MS = 1_000;

interface ListenPool {
  connect(): Promise<pg.PoolClient>;
}

/**
 * LISTEN on a connection of its own, which is opened again when it breaks. Notices sent meanwhile are lost, so
 * `listener` also runs after every reconnect: it must look for itself what is new.
 */
export async function listenPostgresql(pool: ListenPool, channel: Channel, listener: () => void): Promise<Unlisten> {
  let stopped = false;
  let client: pg.PoolClient | undefined;
  let timer: NodeJS.Timeout | undefined;
  const connect = async (): Promise<void> => {
    const fresh = await pool.connect();
    fresh.on('notification', (message) => {
      if (message.channel === channel) listener();
    });
    fresh.once('error', () => {
      fresh.release(true);
      client = undefined;
      reconnect();
    });
    await fresh.query(`listen ${channel}`);
    client = fresh;
    if (stopped) release();
  };
  const release = (): void => {
    client?.release(true);
    client = undefined;
  };
  const reconnect = (): void => {
    if (stopped) return;
    timer = setTimeout(() => connect().then(listener, reconnect), RECONNECT_MS);
    timer.unref();
  };
  await connect();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    release();
  };
}
