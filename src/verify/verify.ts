import { flattenLayers } from '../oci/index.ts';
import { checkEntryPoint } from './entry-point.ts';
import { checkLibraries } from './libraries.ts';
import { checkOtherPackages } from './other-packages.ts';
import { type AddStep, smokeTest } from './smoke.ts';
import { checkDpkg, checkMergedUsr } from './static-checks.ts';
import type { Candidate, Verification, VerifyOptions, VerifyStep } from './types.ts';

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
  const engine = await startIt(candidate, reference, options, step);
  return {
    digest: image.digest,
    passed: steps.every(({ passed }) => passed),
    steps,
    mode: engine ? 'engine' : 'static',
    milliseconds: performance.now() - began,
  };
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
  if (
    why === undefined &&
    candidate.image.config.config?.Entrypoint == null &&
    candidate.image.config.config?.Cmd == null
  ) {
    why = 'the image names no command';
  }
  if (why === undefined && runtime !== undefined && reference !== undefined) {
    await runtime.reap();
    why = await smokeTest(candidate, reference, options, await runtime.api(), step);
    if (why === undefined) return true;
  }
  await step('start', async () => ({ problem: undefined, detail: `not started: ${why}` }));
  return false;
}
