import { get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isHeraklitError } from '../../base/index.ts';
import type { HealthCheck } from '../port.ts';
import type { RolloutBlame } from '../strategy.ts';
import type { Address } from './address.ts';
import type { EngineApi } from './api.ts';
import type { ContainerInspect } from './api-types.ts';
import type { Watch } from './watch.ts';

/** Milliseconds between two looks, and for one answer. */
const INTERVAL = 100;
const ANSWER_TIMEOUT = 2000;
/** A container without any check counts as healthy after running this long without a restart. */
const SETTLE = 2000;
const SUCCESSES = 2;
/** Milliseconds until an engine that does not answer is asked again. */
const AWAY_INTERVAL = 500;

export type Verdict =
  | { readonly healthy: true }
  /** The image is to blame unless something else is named. */
  | { readonly healthy: false; readonly reason: string; readonly blame?: RolloutBlame }
  /** Somebody else replaced or removed a container of ours meanwhile. */
  | { readonly healthy: false; readonly reason: string; readonly overtaken: true };

/** One HTTP answer: 2xx and 3xx are good, or exactly `status`. Resolves to what was wrong. */
export async function askHttp(address: Address, path: string, status?: number): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const sent = get({ ...address, path, agent: false, timeout: ANSWER_TIMEOUT }, (message) => {
      message.resume();
      const code = message.statusCode ?? 0;
      const good = status === undefined ? code >= 200 && code < 400 : code === status;
      resolve(good ? undefined : `${path} answers ${code}${status === undefined ? '' : `, not ${status}`}`);
    });
    sent.once('timeout', () => sent.destroy(new Error(`${path} does not answer in ${ANSWER_TIMEOUT} ms`)));
    sent.once('error', (error) => resolve(error.message));
  });
}

/** One TCP connection. Resolves to what was wrong. */
export async function askTcp(address: Address): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const socket = connect({ ...address, timeout: ANSWER_TIMEOUT });
    const end = (wrong?: string): void => {
      socket.destroy();
      resolve(wrong);
    };
    socket.once('connect', () => end());
    socket.once('timeout', () => end(`port ${address.port} does not answer in ${ANSWER_TIMEOUT} ms`));
    socket.once('error', (error) => end(error.message));
  });
}

async function look(
  api: EngineApi,
  container: ContainerInspect,
  health: HealthCheck | undefined,
): Promise<string | undefined> {
  const own = container.State.Health?.Status;
  if (health === undefined || health.kind === 'running') {
    if (own === undefined || own === '' || own === 'none') {
      const up = Date.now() - Date.parse(container.State.StartedAt ?? '');
      return up >= SETTLE ? undefined : `it runs for ${up} ms only`;
    }
    return own === 'healthy' ? undefined : `its own health check says ${own}`;
  }
  const address = await api.reach(container, health.port);
  if (address === undefined) return `port ${health.port ?? '(none known)'} cannot be reached from this host`;
  return health.kind === 'http' ? await askHttp(address, health.path ?? '/') : await askTcp(address);
}

/** How a container that should serve ended: exit code and its last words. */
export async function lastWords(api: EngineApi, container: ContainerInspect): Promise<string> {
  const said = (await api.logs(container.Id, 5).catch(() => '')).replace(/\s+/g, ' ').slice(-300);
  return `it ended with exit code ${container.State.ExitCode ?? -1}${said === '' ? '' : `: ${said}`}`;
}

/** Why there is nothing to wait for any more; undefined while there is. */
async function given(api: EngineApi, container: ContainerInspect): Promise<string | undefined> {
  if (['exited', 'dead', 'stopped'].includes(container.State.Status ?? '')) return await lastWords(api, container);
  return (container.RestartCount ?? 0) > 0 ? `it was restarted ${container.RestartCount} times` : undefined;
}

export interface HealthWait {
  readonly health: HealthCheck | undefined;
  /** Milliseconds. */
  readonly deadline: number;
  readonly watch?: Watch;
  readonly signal?: AbortSignal | undefined;
}

/** What an engine that was away for a moment says when it is back; its last error when it is not back in time. */
async function inspectWithin(api: EngineApi, id: string, until: number): Promise<ContainerInspect | undefined> {
  for (;;) {
    try {
      return await api.inspect(id);
    } catch (error) {
      if (!isHeraklitError(error, 'ENGINE_HOST_UNAVAILABLE') || Date.now() >= until) throw error;
      await sleep(AWAY_INTERVAL);
    }
  }
}

/** With `--rm` a container that ended is gone; without, somebody removed it. */
function goneOf(last: ContainerInspect | undefined): Verdict {
  if (last?.HostConfig.AutoRemove === true) return { healthy: false, reason: 'it ended and removed itself (--rm)' };
  return { healthy: false, reason: 'somebody removed its container', overtaken: true };
}

/** What is wrong at this moment, or the end of it. */
async function lookOnce(
  api: EngineApi,
  container: ContainerInspect,
  health: HealthCheck | undefined,
): Promise<{ readonly end: string } | { readonly problem: string | undefined }> {
  const end = await given(api, container);
  if (end !== undefined) return { end };
  if (container.State.Running !== true) return { problem: `it is ${container.State.Status ?? 'not running'}` };
  return { problem: await look(api, container, health) };
}

/**
 * Waits for consecutive good answers. Ends early when the container ended, restarted by itself, was removed by somebody
 * else, or when the wait is called off.
 */
export async function waitHealthy(api: EngineApi, id: string, wait: HealthWait): Promise<Verdict> {
  const { health, deadline, signal } = wait;
  const until = Date.now() + deadline;
  const wanted = health === undefined || health.kind === 'running' ? 1 : (health.successes ?? SUCCESSES);
  let good = 0;
  let last: ContainerInspect | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const stop = await wait.watch?.();
    if (stop !== undefined) return { healthy: false, ...stop };
    const container = await inspectWithin(api, id, until);
    if (container === undefined) return goneOf(last);
    last = container;
    const seen = await lookOnce(api, container, health);
    if ('end' in seen) return { healthy: false, reason: seen.end };
    good = seen.problem === undefined ? good + 1 : 0;
    if (good >= wanted) return { healthy: true };
    if (Date.now() >= until) {
      return { healthy: false, reason: `not healthy within ${deadline} ms: ${seen.problem ?? 'it answered too late'}` };
    }
    await sleep(INTERVAL);
  }
}
