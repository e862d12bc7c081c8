import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { asCodedError, isHeraklitError, type Log, messageOf } from '../../base/index.ts';
import type { RegistryMaintenance, Watch } from '../../registry/index.ts';
import { problemOf } from '../answer-error.ts';
import { httpError } from '../errors.ts';
import { MAINTENANCE, MaintenanceLine } from '../maintenance-schemas.ts';
import { Problem } from '../schemas.ts';

/** Milliseconds between two lines of progress. */
const EVERY = 500;

const FAILURES = { '4xx': Problem, '5xx': Problem };

type Task = (request: Readonly<Record<string, unknown>>, watch: Watch) => Promise<unknown>;

/**
 * `POST /api/v1/registry/{collect,retention,verify,usage}`, for the command line while this process holds
 * the database. Answers JSON lines: `{"progress":…}` now and then, at last `{"result":…}` or `{"error":…}`. What is
 * asked for ends with the connection. One at a time, and where there are accounts for admins only.
 */
export function maintenanceRoutes(
  server: FastifyInstance,
  maintenance: RegistryMaintenance,
  log: Log,
  accounts: boolean,
): void {
  const config = accounts ? { needs: 'admin' as const } : {};
  let busy: string | undefined;
  const tasks: Readonly<Record<keyof typeof MAINTENANCE, Task>> = {
    collect: (request, watch) => maintenance.collect(request, watch),
    retention: (request, watch) => maintenance.retain({ rules: [], ...request }, watch),
    verify: (request, watch) => maintenance.verify(request, watch),
    usage: () => maintenance.usage(),
  };
  for (const [name, task] of Object.entries(tasks)) {
    const { body, ...described } = MAINTENANCE[name as keyof typeof MAINTENANCE];
    const schema = { ...described, body, lines: MaintenanceLine, response: FAILURES } as object;
    // Whoever asks for everything sends nothing; and the registry says better what is wrong with a request.
    const route = { schema, config, validatorCompiler: () => () => true };
    server.post(`/api/v1/registry/${name}`, route, async (request, reply) => {
      if (busy !== undefined) {
        throw httpError('HTTP_MAINTENANCE_BUSY', `the registry is at ${busy} already`, { hint: 'Wait for it to end.' });
      }
      busy = name;
      try {
        return await answer(task, request, reply, log);
      } finally {
        busy = undefined;
      }
    });
  }
}

async function answer(task: Task, request: FastifyRequest, reply: FastifyReply, log: Log): Promise<FastifyReply> {
  const stop = new AbortController();
  reply.hijack();
  const out = reply.raw;
  out.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  out.once('close', () => stop.abort());
  const line = (value: object): void => void out.write(`${JSON.stringify(value)}\n`);
  let last = 0;
  const progress = {
    update(step: string, done: number, total: number, note?: string): void {
      const now = Date.now();
      if (now - last < EVERY) return;
      last = now;
      line({ progress: { step, done, total, note } });
    },
  };
  try {
    line({
      result: await task((request.body ?? {}) as Readonly<Record<string, unknown>>, { progress, signal: stop.signal }),
    });
  } catch (error) {
    const coded = asCodedError(error);
    if (isHeraklitError(coded)) line(problemOf(coded));
    else {
      if (!stop.signal.aborted) log.error('looking after the registry failed', { error: messageOf(error) });
      line({
        error: { code: 'INTERNAL', message: 'the server failed; its log says why', hint: null, retryable: false },
      });
    }
  }
  out.end();
  return reply;
}
