/**
 * The pipeline is killed with SIGKILL at random moments and started again until it is done; what it leaves is compared
 * with an undisturbed run. HERAKLIT_KILLS and HERAKLIT_SEED change how often and when.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { discoverMirrors } from '../../src/feed/index.ts';
import type { FinalState } from '../support/final-state.ts';

const CHILD = join(import.meta.dirname, '../support/kill-child.ts');
const KILLS = Number(process.env.HERAKLIT_KILLS ?? 30);
/** The same over stand-ins for the stages, which reaches more steps in less time; fewer, because it proves less. */
const KILLS_OF_STAND_INS = process.env.HERAKLIT_KILLS === undefined ? 4 : Math.min(KILLS, 10);
const SEED = Number(process.env.HERAKLIT_SEED ?? 20260101);

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
  const fleet = join(root, 'fleet/heraklit.yaml');
  const child = spawn(process.execPath, [CHILD, root, ...(existsSync(fleet) ? [fleet] : [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
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

interface Scenario {
  readonly kills: number;
  /** Makes a folder ready: nothing, or a fleet and a warm cache. */
  readonly prepare: (root: string, warm: string | undefined) => Promise<void>;
  /** Milliseconds. Short, so that many lives fit into the time: a run is carried on, never begun again. */
  readonly longestLife: number;
}

async function killAndCompare(scenario: Scenario): Promise<string> {
  const roots: string[] = [];
  const fresh = async (): Promise<string> => {
    const root = await mkdtemp(join(tmpdir(), 'heraklit-kill-'));
    const warm = roots[0];
    roots.push(root);
    await scenario.prepare(root, warm);
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
    while (kills < scenario.kills) {
      // Mostly while it works; one in eight while process and database start.
      const moment = next() < 0.125 ? -next() * 1_500 : next() * Math.min(milliseconds * 0.4, scenario.longestLife);
      const { state } = await run(root, moment);
      if (state === undefined) kills += 1;
      if (state === undefined && kills < scenario.kills) continue;
      const { state: final } = state === undefined ? await run(root) : { state };
      assert.deepEqual(final, expected, `round ${rounds}, ${kills} kills, seed ${SEED}`);
      assert.deepEqual([...(await delivered(root))].sort(), idsOf(expected), 'delivered: none lost, none invented');
      rounds += 1;
      if (kills < scenario.kills) root = await fresh();
    }
    return `${kills} kills over ${rounds} rounds, ${expected.events.length} events each`;
  } finally {
    for (const one of roots) await rm(one, { recursive: true, force: true });
  }
}

test(`killed ${KILLS_OF_STAND_INS} times at random moments, the pipeline ends as if it never was`, async (context) => {
  const prepare = async (): Promise<void> => undefined;
  context.diagnostic(await killAndCompare({ kills: KILLS_OF_STAND_INS, prepare, longestLife: 2_000 }));
});

const FLEET = `apiVersion: heraklit/v1
kind: Fleet
name: killed
images:
  - recipe: images/base.yaml
  - recipe: images/web.yaml
  - recipe: images/storefront.yaml
  - recipe: images/handbook.yaml
`;

test(`killed ${KILLS} times while it composes and rebases real packages`, async (context) => {
  if ((await discoverMirrors({ id: 'debian' }).catch(() => undefined)) === undefined) {
    return context.skip('no Debian mirror is known');
  }
  const prepare = async (root: string, warm: string | undefined): Promise<void> => {
    await cp(join(import.meta.dirname, '../../examples/fleet'), join(root, 'fleet'), { recursive: true });
    await writeFile(join(root, 'fleet/heraklit.yaml'), FLEET);
    const cache = warm === undefined ? process.env.HERAKLIT_TEST_CACHE : join(warm, 'cache');
    if (cache !== undefined) await cp(cache, join(root, 'cache'), { recursive: true });
  };
  context.diagnostic(await killAndCompare({ kills: KILLS, prepare, longestLife: 6_000 }));
});
