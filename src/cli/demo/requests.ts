import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Milliseconds between two requests of one sender, and until an answer counts as failed. */
const PAUSE = 10;
const TIMEOUT = 5_000;
/** A bound on what one demo may send, should it never be stopped. */
const MOST = 200_000;

export interface Sender {
  stop(): Promise<{ readonly requests: number; readonly failed: number; readonly firstFailure: string | undefined }>;
}

/** One request after another to an address of this machine, over a connection that is kept, until it is stopped. */
export function sendRequests(url: string): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let stopped = false;
  let requests = 0;
  let failed = 0;
  let firstFailure: string | undefined;
  const run = async (): Promise<void> => {
    while (!stopped && requests < MOST) {
      const problem = await ask(url, agent);
      requests += 1;
      if (problem !== undefined) {
        failed += 1;
        firstFailure ??= problem;
      }
      await sleep(PAUSE);
    }
  };
  const running = run();
  return {
    async stop() {
      stopped = true;
      await running;
      agent.destroy();
      return { requests, failed, firstFailure };
    },
  };
}

function ask(url: string, agent: Agent): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent, timeout: TIMEOUT }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode === 200 ? undefined : `status ${answer.statusCode}`));
      answer.once('error', (error) => resolve(error.message));
    });
    request.once('timeout', () => request.destroy(new Error('no answer in time')));
    request.once('error', (error) => resolve(error.message));
  });
}
