import { randomUUID } from 'node:crypto';
import { digestSet } from '../../attestation/index.ts';
import { digestOf, serialize } from '../../oci/index.ts';
import type { VerifyChecks, VerifyCluster } from '../../recipe/index.ts';
import type { EngineRuntime } from '../../runtime/index.ts';
import {
  hasTests,
  imagesOf,
  type LoadedSuite,
  loadSuite,
  type TestRunner,
  type Verification as VerifiedImage,
  verifiedEvent,
  verifyError,
  verifyImage,
} from '../../verify/index.ts';
import type { TestReport, Verification, VerifyPort } from '../ports.ts';
import { openStored } from '../workshop/open-stored.ts';
import type { Workshop } from '../workshop/workshop.ts';
import type { LoadedFleet } from './load-fleet.ts';

export interface VerifySetup {
  readonly fleet: LoadedFleet;
  readonly workshop: Workshop;
  /** `host:port` of our registry as the engine reaches it. */
  readonly registryHost: string;
  /** Starts candidates; without one they are checked by what their layers say. */
  readonly runtime?: EngineRuntime;
  /** Runs tests in a cluster, where the fleet file wants them there. */
  readonly runnerFor?: (cluster: VerifyCluster) => TestRunner;
  /** Digest that a fleet's image is released as. */
  readonly released?: (repository: string, tag: string) => Promise<string | undefined>;
  /** Keeps what came of a test, with its logs. */
  readonly keep?: (id: string, image: string, verification: VerifiedImage) => Promise<void>;
  /** Milliseconds a service must stay up. */
  readonly stayUp?: number;
}

/** Tests candidates by their layers and, where an engine is given, by starting them. */
export function verifyOf(setup: VerifySetup): VerifyPort {
  const { fleet, workshop, runtime, stayUp } = setup;
  const checks = checksByImage(fleet);
  return {
    async verify({ image, repository, descriptor }, signal) {
      const stored = await openStored(await workshop.store(), descriptor.digest);
      const wanted = checks.get(image) ?? fleet.document.verify;
      const suite = wanted === undefined ? undefined : await loadSuite(wanted, fleet.directory);
      // An image's own tests run where all the others do, unless it says otherwise.
      const cluster = wanted?.kubernetes ?? fleet.document.verify?.kubernetes;
      const runner = cluster === undefined ? undefined : setup.runnerFor?.(cluster);
      const registryHost = cluster?.registry ?? setup.registryHost;
      const result = await verifyImage(
        {
          image: stored,
          ...(registryHost === '' ? {} : { reference: `${registryHost}/${repository}@${stored.digest}` }),
        },
        {
          facts: workshop.layerFacts,
          layerCache: workshop.layerCache,
          signal,
          ...given({ runtime, runner, stayUp }),
          ...(suite === undefined
            ? {}
            : { checks: suite.suite, suite, resolve: await resolver({ ...setup, registryHost }, suite) }),
        },
      );
      const id = randomUUID();
      const tested = suite !== undefined && hasTests(suite.suite) ? suite : undefined;
      if (tested !== undefined) await setup.keep?.(id, image, result);
      if (result.environment !== undefined) {
        // Another attempt, and in the end a failed task; the image is not quarantined for what it did not do.
        throw verifyError('VERIFY_ENVIRONMENT', `${image} could not be tested: ${result.environment}`);
      }
      return judged(image, result, tested && reportOf(id, tested, result));
    },
  };
}

/** Without what is undefined: absent is not the same to whoever reads it. */
const given = <T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;

/** @param report of tests that somebody wrote: times differ from run to run, so others are told without theirs */
function judged(image: string, result: VerifiedImage, report: TestReport | undefined): Verification {
  const event = verifiedEvent(image, result);
  if (result.passed) {
    const checks = result.steps.map((step) => step.name);
    return { kind: 'passed', checks, event, ...(report && { report }) };
  }
  const failed = result.steps.filter((step) => !step.passed);
  const named = (steps: typeof failed): readonly string[] => steps.map(({ name }) => name);
  const passed = named(result.steps.filter((step) => step.passed));
  return {
    kind: 'rejected',
    reason: failed.map((step) => `${step.name}: ${step.detail}`).join('; '),
    event,
    tests: { passed, failed: named(failed), ...(report && { report }) },
  };
}

function reportOf(id: string, { suite, compose }: LoadedSuite, result: VerifiedImage): TestReport {
  const milliseconds = (time: number): number => Math.round(time);
  return {
    id,
    configuration: digestOf(serialize({ suite, compose: compose ?? null })),
    details: {
      runner: result.mode,
      durationMilliseconds: milliseconds(result.milliseconds),
      steps: result.steps.map(({ name, kind = 'check', passed, detail, milliseconds: took }) => ({
        name,
        kind,
        result: passed ? 'PASSED' : 'FAILED',
        durationMilliseconds: milliseconds(took),
        detail,
      })),
      logs: result.logs.map(({ part, text, truncated }) => ({
        name: part,
        mediaType: 'text/plain',
        digest: digestSet(digestOf(text)),
        annotations: { truncated },
      })),
    },
  };
}

/** Names of the fleet's images mean what is released of them; anything else is a reference. */
async function resolver(setup: VerifySetup, suite: LoadedSuite): Promise<(image: string) => string> {
  const { fleet, registryHost, released } = setup;
  const known = new Map<string, string>();
  for (const name of imagesOf(suite)) {
    const place = fleet.fleet.images.find(({ image }) => image === name);
    if (place === undefined) continue;
    const digest = await released?.(place.repository, place.tag);
    if (digest === undefined || registryHost === '') {
      throw verifyError('VERIFY_ENVIRONMENT', `tests need ${name}, of which nothing is released yet`);
    }
    known.set(name, `${registryHost}/${place.repository}@${digest}`);
  }
  return (image) => known.get(image) ?? image;
}

/** Checks that images name for themselves, by image name. */
export function checksByImage(fleet: LoadedFleet): ReadonlyMap<string, VerifyChecks> {
  const checks = new Map<string, VerifyChecks>();
  for (const [at, entry] of fleet.document.images.entries()) {
    const name = entry.name ?? fleet.names[at];
    if (entry.verify !== undefined && name !== undefined) checks.set(name, entry.verify);
  }
  return checks;
}
