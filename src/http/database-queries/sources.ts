import { crawlStatuses } from '../../crawl/index.ts';
import type { DatabaseReader } from '../../database/index.ts';
import type { Sources } from '../sources-contract.ts';

const stamp = (date: Date | undefined): string | null => date?.toISOString() ?? null;

export async function readSources(reader: DatabaseReader, now: Date): Promise<Sources> {
  const sources = await crawlStatuses(reader, now);
  return {
    sources: sources.map(({ source, state, next, failures, started, finished, succeeded, error, progress, last }) => ({
      ...{ source, state, failures },
      next: next.toISOString(),
      started: stamp(started),
      finished: stamp(finished),
      succeeded: stamp(succeeded),
      error: error ?? null,
      progress: progress ?? null,
      last: last ?? null,
    })),
  };
}
