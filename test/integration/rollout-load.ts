import { Agent, get } from 'node:http';

export interface LoadResult {
  readonly requests: number;
  readonly failures: readonly string[];
  /** Answers by body. */
  readonly bodies: ReadonlyMap<string, number>;
  readonly seconds: number;
}

export interface Load {
  /** Sends none until resumed; resolves when none is on its way. */
  pause(): Promise<void>;
  resume(): void;
  stop(): Promise<LoadResult>;
}

/**
 * Sends `rate` requests a second, on kept and on new connections alike, until stopped. A rate, not a closed loop: a
 * stall shows as requests that wait, not as fewer requests.
 */
export function startLoad(port: number, rate: number): Load {
  const kept = new Agent({ keepAlive: true, maxSockets: 32 });
  const failures: string[] = [];
  const bodies = new Map<string, number>();
  const flying = new Set<Promise<void>>();
  let requests = 0;
  const began = performance.now();
  const one = async (agent: Agent | false): Promise<void> =>
    await new Promise((resolve) => {
      const sent = get({ host: '127.0.0.1', port, path: '/index.html', agent, timeout: 20_000 }, (message) => {
        let body = '';
        message.on('data', (part) => {
          body += part;
        });
        message.once('error', (error) => {
          failures.push(`body: ${error.message}`);
          resolve();
        });
        message.once('end', () => {
          if (message.statusCode !== 200) failures.push(`status ${message.statusCode}: ${body.slice(0, 80)}`);
          bodies.set(body, (bodies.get(body) ?? 0) + 1);
          resolve();
        });
      });
      sent.once('timeout', () => sent.destroy(new Error('timed out')));
      sent.once('error', (error) => {
        failures.push(error.message);
        resolve();
      });
    });
  let paused = 0;
  let since: number | undefined;
  const timer = setInterval(() => {
    if (since !== undefined) return;
    const due = Math.floor(((performance.now() - began - paused) / 1000) * rate);
    while (requests < due) {
      requests += 1;
      const answer = one(requests % 2 === 0 ? kept : false).finally(() => flying.delete(answer));
      flying.add(answer);
    }
  }, 5);
  return {
    pause: async () => {
      since = performance.now();
      await Promise.all(flying);
    },
    resume: () => {
      paused += performance.now() - (since ?? performance.now());
      since = undefined;
    },
    stop: async () => {
      clearInterval(timer);
      const seconds = (performance.now() - began) / 1000;
      await Promise.all(flying);
      kept.destroy();
      return { requests, failures, bodies, seconds };
    },
  };
}
