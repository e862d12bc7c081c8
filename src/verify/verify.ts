import { flattenLayers } from '../oci/index.ts';
import { checkEntryPoint } from './entry-point.ts';
import { checkLibraries } from './libraries.ts';
import { checkOtherPackages } from './other-packages.ts';
import { engineRunner } from './runner/engine.ts';
import { type AddStep, exposedPorts, smokeTest } from './smoke.ts';
import { checkDpkg, checkMergedUsr } from './static-checks.ts';
import { hasTests, type LoadedSuite, planSuite } from './suite/load-suite.ts';
import { runSuite, type SuiteResult } from './suite/run-suite.ts';
import type { Candidate, Verification, VerifyOptions, VerifyStep } from './types.ts';

/** Seconds for all of a start-up test, and milliseconds to stay up in it. */
const START_UP = 60;
const STAY_UP = 2000;

/**
 * Tests a candidate before it is released. What can be read from its layers is always checked; where podman or Docker is
 * there and the candidate can be pulled, it is started too, in a throw-away container.
 *
 * The engine pulls from a registry rather than loading an archive: layers it has are not sent again, and the built-in
 * registry serves blobs from the builder's store as they are, so nothing is copied first.
 * @throws errors of reading the image (OCI_…, BLOB_MISSING); a candidate that fails is a result, not an error
 */
export async function verifyImage(candidate: Candidate, options: VerifyOptions): Promise<Verification> {
  const began = performance.now();
  const steps: VerifyStep[] = [];
  const step: AddStep = async (name, work) => {
    const from = performance.now();
    options.signal?.throwIfAborted();
    const { problem, detail } = await work();
    const milliseconds = performance.now() - from;
    steps.push({ name, passed: problem === undefined, detail: (problem ?? detail).replace(/\s+/g, ' '), milliseconds });
    return problem === undefined;
  };
  const { image, reference } = candidate;
  const { layers } = image.manifest;
  const facts = await Promise.all(
    layers.map(async (layer, i) => {
      const diffId = image.config.rootfs.diff_ids[i];
      if (diffId === undefined) throw new TypeError('a parsed image has a diff id for every layer');
      return await options.facts.read(image.blobs, layer, diffId);
    }),
  );
  const tree = flattenLayers(facts.map(({ index }) => index));
  await step(
    'packages',
    async () => checkDpkg(tree, facts) ?? checkOtherPackages(image, options.layerCache, options.signal),
  );
  await step('merged /usr', async () => ({ problem: checkMergedUsr(tree, facts), detail: 'links are in place' }));
  let program: string | undefined;
  await step('entry point', async () => {
    const entry = await checkEntryPoint(image, tree);
    program = entry.program;
    return entry;
  });
  const found = program;
  if (found !== undefined)
    await step('libraries', async () => checkLibraries(tree, facts, found, image.config.config?.Env ?? []));
  const { suite } = options;
  const tests = suite !== undefined && hasTests(suite.suite);
  const tested = tests
    ? await testIt(candidate, suite, options)
    : options.runner !== undefined && startsSomething(candidate)
      ? await testIt(candidate, startUpSuite(options), options)
      : { mode: (await startIt(candidate, reference, options, step)) ? ('engine' as const) : ('static' as const) };
  const { mode, result } = { result: undefined, ...tested };
  const all = [...steps, ...(result?.steps ?? [])];
  return {
    digest: image.digest,
    passed: all.every(({ passed }) => passed) && result?.environment === undefined,
    steps: all,
    mode,
    ...(result?.environment === undefined ? {} : { environment: result.environment }),
    logs: result?.logs ?? [],
    milliseconds: performance.now() - began,
  };
}

/**
 * Runs its tests. Where they cannot be run the candidate is not to blame, but has not passed either: tests that somebody
 * wrote are a gate, and an open one would be none.
 */
async function testIt(
  candidate: Candidate,
  suite: LoadedSuite,
  options: VerifyOptions,
): Promise<{ readonly mode: Verification['mode']; readonly result: SuiteResult }> {
  const { runtime, signal } = options;
  const runner = options.runner ?? (runtime === undefined ? undefined : engineRunner(runtime));
  const mode = runner?.name === 'kubernetes' ? 'kubernetes' : 'engine';
  const not = (why: string) => ({
    mode: 'static' as const,
    result: { steps: [], logs: [], environment: `its tests cannot be run: ${why}` },
  });
  if (runner === undefined) return not('no engine was given');
  const why = await runner.unavailable();
  if (why !== undefined) return not(why);
  const { reference } = candidate;
  if (reference === undefined) return not('the candidate is in no registry an engine could pull from');
  const inputs = {
    candidate: reference,
    exposed: exposedPorts(candidate),
    resolve: options.resolve ?? ((image: string) => image),
  };
  const plan = planSuite(suite, inputs);
  // Nobody who asks nothing would notice that it falls.
  const stayUp = plan.steps.length === 0 ? (options.stayUp ?? STAY_UP) : 0;
  await runner.reap();
  return { mode, result: await runSuite(plan, runner, { folder: suite.folder, signal, stayUp }) };
}

const startsSomething = ({ image: { config } }: Candidate): boolean =>
  config.config?.Entrypoint != null || config.config?.Cmd != null;

/** The start-up test in the words of a suite, for runners that are no engine: whoever names one wants it tested there. */
function startUpSuite({ checks = {} }: VerifyOptions): LoadedSuite {
  const { http, commands, timeout = START_UP } = checks;
  const asked = { ...(http === undefined ? {} : { http }), ...(commands === undefined ? {} : { commands }) };
  return { suite: { timeout, ...asked }, compose: undefined, folder: '.', allow: [] };
}

/** False where nothing could be started: said in a step that passes, because it says nothing about the image. */
async function startIt(
  candidate: Candidate,
  reference: string | undefined,
  options: VerifyOptions,
  step: AddStep,
): Promise<boolean> {
  const { runtime } = options;
  let why: string | undefined = 'no engine was given';
  if (runtime !== undefined) why = await runtime.unavailable();
  if (why === undefined && reference === undefined) why = 'the candidate is in no registry an engine could pull from';
  if (why === undefined && !startsSomething(candidate)) why = 'the image names no command';
  if (why === undefined && runtime !== undefined && reference !== undefined) {
    await runtime.reap();
    why = await smokeTest(candidate, reference, options, runtime, step);
    if (why === undefined) return true;
  }
  await step('start', async () => ({ problem: undefined, detail: `not started: ${why}` }));
  return false;
}
