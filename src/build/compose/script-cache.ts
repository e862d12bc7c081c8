import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { writeCacheFile } from '../../base/index.ts';
import type { LayerItem } from '../../oci/index.ts';
import { atEpoch } from './normalize.ts';
import { PACKAGE_FORMAT } from './package-record.ts';
import { runScripts, SCRIPTS_FORMAT, type ScriptsInput, type ScriptsResult } from './scripts.ts';
import { keepRun, reuseRun } from './stage.ts';
import { itemsOf, tarOf } from './tar-items.ts';
import type { ComposeRequest } from './types.ts';

/** Names the result of the script stage: it depends on nothing but what it is given. */
export function scriptsKey(request: ComposeRequest, input: ScriptsInput): string {
  return createHash('sha256')
    .update(
      JSON.stringify([
        [SCRIPTS_FORMAT, PACKAGE_FORMAT, request.architecture, input.epoch],
        request.base?.image.manifest.layers.map(({ digest }) => digest) ?? [],
        input.added.map(({ sha256 }) => sha256),
      ]),
    )
    .update(tarOf(input.state))
    .digest('hex');
}

export interface ScriptsOutcome {
  readonly items: readonly LayerItem[];
  /** For people: whether scripts ran, and why. */
  readonly explanation: string;
  /** What later builds will want is kept, and nothing runs any more: to be awaited once the items are written. */
  readonly settled: Promise<unknown>;
}

/**
 * What the scripts changed. The same packages on the same base with the same database run once, and are kept; with
 * other versions of packages they run again only when something that they read changed (docs/decisions/0012).
 */
export async function scriptChanges(
  request: ComposeRequest,
  input: ScriptsInput,
  key: string,
): Promise<ScriptsOutcome> {
  const settled = Promise.resolve();
  const file = join(request.cache, 'compose', 'scripts', `${key}.tar`);
  const known = await readFile(file).catch(() => undefined);
  if (known !== undefined) {
    try {
      return { items: itemsOf(known), explanation: 'maintainer scripts ran before for the same packages', settled };
    } catch {
      // A damaged cache file is as good as none.
    }
  }
  const reused = await reuseRun(request, input);
  if (reused.kind === 'reused') {
    const items = atEpoch(reused.changes, input.epoch);
    await writeCacheFile(file, tarOf(items));
    return { items, explanation: reused.explanation, settled };
  }
  request.progress?.update('maintainer scripts', 0, input.added.length, reused.why);
  const result = await runScripts(request, input);
  const items = atEpoch(result.changes, input.epoch);
  request.progress?.update('maintainer scripts', input.added.length, input.added.length);
  return {
    items,
    explanation: `maintainer scripts ran: ${reused.why}`,
    settled: handled(keepResult(request, input, result, () => writeCacheFile(file, tarOf(items)))),
  };
}

async function keepResult(
  request: ComposeRequest,
  input: ScriptsInput,
  result: ScriptsResult,
  keepItems: () => Promise<void>,
): Promise<void> {
  // The layer goes first: it is compressed on other threads meanwhile.
  await breathe();
  try {
    await keepItems();
    await keepRun(request, input, result);
  } finally {
    await result.closed;
  }
}

/** Whoever awaits it sees the failure; until then it must not count as unhandled. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
