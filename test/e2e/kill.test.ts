/**
 * The pipeline is killed with SIGKILL at random moments and started again until it is done; what it leaves is compared
 * with an undisturbed run. HERAKLIT_KILLS and HERAKLIT_SEED change how often and when.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { FinalState } from '../support/final-state.ts';

const CHILD = join(import.meta.dirname, '../support/kill-child.ts');
const KILLS = Number(process.env.HERAKLIT_KILLS ?? 32);
const SEED = Number(process.env.HERAKLIT_SEED ?? 20260101);
/** Lives are short, so that many of them fit into the time: a run is carried on, never begun again. */
const LONGEST_LIFE_MS = 2_000;

/** A small seeded generator (mulberry32): a failure can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Ended {
  readonly state: FinalState | undefined;
  /** Milliseconds from the opened database to the end. */
  readonly milliseconds: number;
}

/** @param killAfter milliseconds after the database is open, or (negative) after the start of the process */
async function run(root: string, killAfter?: number): Promise<Ended> {
  const child = spawn(process.execPath, [CHILD, root], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let errors = '';
  let opened = 0;
  let timer: NodeJS.Timeout | undefined;
  const kill = (): boolean => child.kill('SIGKILL');
  if (killAfter !== undefined && killAfter < 0) timer = setTimeout(kill, -killAfter);
  child.stdout.on('data', (chunk) => {
    out += chunk;
    if (opened !== 0 || !out.startsWith('open\n')) return;
    opened = performance.now();
    if (killAfter !== undefined && killAfter >= 0) timer = setTimeout(kill, killAfter);
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once('close', (...ended) => resolve(ended)),
  );
  clearTimeout(timer);
  const milliseconds = performance.now() - opened;
  if (signal === 'SIGKILL') return { state: undefined, milliseconds };
  assert.equal(code, 0, errors);
  return { state: JSON.parse(out.slice(out.indexOf('{'))) as FinalState, milliseconds };
}

/** Ids a consumer that drops doubles has seen, in the order of their first delivery. */
async function delivered(root: string): Promise<readonly string[]> {
  const lines = (await readFile(join(root, 'delivered'), 'utf8')).split('\n').filter((line) => line.endsWith('.'));
  const sequences = [...new Set(lines.map((line) => Number(line.split(' ')[0])))];
  assert.deepEqual(
    sequences,
    sequences.toSorted((a, b) => a - b),
    'delivered in order',
  );
  return [...new Set(lines.map((line) => line.slice(line.indexOf(' ') + 1, -1)))];
}

function idsOf(state: FinalState): string[] {
  return state.events.map((event) => (JSON.parse(event) as { id: string }).id).sort();
}

test(`killed ${KILLS} times at random moments, the pipeline ends as if it never was`, async (context) => {
  const roots: string[] = [];
  const fresh = async (): Promise<string> => {
    const root = await mkdtemp(join(tmpdir(), 'heraklit-kill-'));
    roots.push(root);
    return root;
  };
  try {
    const undisturbed = await fresh();
    const { state: expected, milliseconds } = await run(undisturbed);
    assert.ok(expected);
    assert.deepEqual([...(await delivered(undisturbed))].sort(), idsOf(expected));
    assert.equal(expected.openJobs, 0);

    const next = random(SEED);
    let root = await fresh();
    let kills = 0;
    let rounds = 0;
    while (kills < KILLS) {
      // Mostly while it works; one in eight while process and database start.
      const moment = next() < 0.125 ? -next() * 1_500 : next() * Math.min(milliseconds * 0.4, LONGEST_LIFE_MS);
      const { state } = await run(root, moment);
      if (state === undefined) kills += 1;
      if (process.env.HERAKLIT_KILLS_VERBOSE) console.error(`${kills} kills, round ${rounds}`);
      if (state === undefined && kills < KILLS) continue;
      const { state: final } = state === undefined ? await run(root) : { state };
      assert.deepEqual(final, expected, `round ${rounds}, ${kills} kills, seed ${SEED}`);
      assert.deepEqual([...(await delivered(root))].sort(), idsOf(expected), 'delivered: none lost, none invented');
      rounds += 1;
      root = await fresh();
    }
    context.diagnostic(`${kills} kills over ${rounds} rounds, ${expected.events.length} events each`);
  } finally {
    for (const one of roots) await rm(one, { recursive: true, force: true });
  }
});
