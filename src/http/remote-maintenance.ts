import { HeraklitError, messageOf } from '../base/index.ts';
import type { RegistryMaintenance, Watch } from '../registry/index.ts';
import type { Problem } from './contract.ts';
import { httpError } from './errors.ts';

/** Longest line taken; a report names at most some 100,000 blobs. */
const MAX_LINE = 256 * 1024 * 1024;

interface Line {
  readonly progress?: { readonly step: string; readonly done: number; readonly total: number; readonly note?: string };
  readonly result?: unknown;
  readonly error?: Problem['error'];
}

/**
 * The registry's maintenance as a running server does it.
 *
 * @param key of the home's owner, or an admin's token
 * @throws HTTP_REMOTE_UNREACHABLE, HTTP_REMOTE_INVALID, or the error the server answers with
 */
export function createRemoteMaintenance(url: string, key?: string): RegistryMaintenance {
  const ask = async <T>(name: string, request: object, watch: Watch = {}): Promise<T> => {
    const target = new URL(`/api/v1/registry/${name}`, url);
    let response: Response;
    try {
      response = await fetch(target, {
        method: 'POST',
        body: JSON.stringify(request),
        headers: {
          'content-type': 'application/json',
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        },
        redirect: 'error',
        ...(watch.signal === undefined ? {} : { signal: watch.signal }),
      });
    } catch (error) {
      throw httpError('HTTP_REMOTE_UNREACHABLE', `${target.origin}: ${messageOf((error as Error).cause ?? error)}`, {
        cause: error,
        hint: 'Is heraklit serve running there?',
      });
    }
    for await (const line of linesOf(response, target)) {
      const { progress, result, error } = line;
      if (progress !== undefined) watch.progress?.update(progress.step, progress.done, progress.total, progress.note);
      if (result !== undefined) return result as T;
      if (error !== undefined) throw serverError(error, response.status);
    }
    throw httpError('HTTP_REMOTE_INVALID', `${target} ended without a result`);
  };
  return {
    collect: (request, watch) => ask('collect', request, watch),
    retain: (request, watch) => ask('retention', request, watch),
    verify: (request, watch) => ask('verify', request, watch),
    usage: () => ask('usage', {}),
  };
}

function serverError({ code, message, hint, retryable }: Problem['error'], status: number): Error {
  const kind = status >= 400 && status < 500 ? 'usage' : 'failed';
  return new HeraklitError(code, { kind, retryable, meaning: message }, message, hint === null ? {} : { hint });
}

async function* linesOf(response: Response, target: URL): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_LINE) throw httpError('HTTP_REMOTE_INVALID', `${target} answers with too long a line`);
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield parsed(line, target);
  }
  if (text !== '') yield parsed(text, target);
}

function parsed(line: string, target: URL): Line {
  try {
    return JSON.parse(line) as Line;
  } catch (error) {
    throw httpError('HTTP_REMOTE_INVALID', `${target} answers without JSON`, { cause: error });
  }
}
