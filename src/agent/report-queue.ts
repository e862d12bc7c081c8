import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/index.ts';
import type { AgentReport } from './report.ts';

export interface QueueLimits {
  readonly reports: number;
  readonly bytes: number;
}

/** Each report says everything anew: older ones only tell since when something ran. */
export const QUEUE_LIMITS: QueueLimits = { reports: 100, bytes: 64 * 1024 * 1024 };

const NAME = /^\d{15}-\d{6}\.json$/;

export interface QueuedReport {
  readonly name: string;
  /** Undefined where the file is damaged. */
  readonly report: AgentReport | undefined;
}

/** Reports that wait for delivery, one file each, oldest first; whole after any crash. */
export class ReportQueue {
  readonly #folder: string;
  readonly #limits: QueueLimits;
  #sequence = 0;

  constructor(folder: string, limits = QUEUE_LIMITS) {
    this.#folder = folder;
    this.#limits = limits;
  }

  /** @returns how many of the oldest had to go to stay within the limits */
  async put(report: AgentReport, now: number): Promise<number> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    this.#sequence = (this.#sequence + 1) % 1_000_000;
    const name = `${String(now).padStart(15, '0')}-${String(this.#sequence).padStart(6, '0')}.json`;
    await writeFileAtomic(join(this.#folder, name), JSON.stringify(report), 0o600);
    return this.#shrink();
  }

  async oldest(): Promise<QueuedReport | undefined> {
    const [name] = await this.names();
    if (name === undefined) return undefined;
    try {
      return { name, report: JSON.parse(await readFile(join(this.#folder, name), 'utf8')) as AgentReport };
    } catch {
      return { name, report: undefined };
    }
  }

  async names(): Promise<readonly string[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names.filter((name) => NAME.test(name)).sort();
  }

  async remove(name: string): Promise<void> {
    await rm(join(this.#folder, name), { force: true });
  }

  /** The newest stays whatever its size: it says what runs. */
  async #shrink(): Promise<number> {
    let bytes = 0;
    let kept = 0;
    let dropped = 0;
    for (const name of (await this.names()).toReversed()) {
      const size = await stat(join(this.#folder, name)).then(
        (found) => found.size,
        () => 0,
      );
      bytes += size;
      kept += 1;
      if (kept === 1 || (kept <= this.#limits.reports && bytes <= this.#limits.bytes)) continue;
      await this.remove(name);
      dropped += 1;
    }
    return dropped;
  }
}
