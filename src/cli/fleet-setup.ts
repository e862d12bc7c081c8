import { join, resolve } from 'node:path';
import type { Database } from '../database/index.ts';
import type { FleetSetup, LoadedFleet, SigningSetup } from '../engine/index.ts';
import type { StepAnalysis } from '../rollout/index.ts';
import type { EngineRuntime, WorkloadRuntime } from '../runtime/index.ts';
import type { CliContext } from './context.ts';
import { debianArchitecture } from './debian-architecture.ts';
import { signerFrom, trustedKeys } from './signing-keys.ts';
import { repositoryOptions, type SourceOptions } from './source-options.ts';
import { withStorage } from './storage-option.ts';
import { VERSION } from './version.ts';

export interface FleetSetupOptions extends SourceOptions {
  readonly fleet: LoadedFleet;
  readonly database: Database;
  /** `host:port` of our registry; '' when it is not served. */
  readonly registryHost: string;
  /** Starts candidates to test them. */
  readonly verifier?: EngineRuntime;
  /** Where released images are rolled out to. */
  readonly runtimes?: readonly WorkloadRuntime[];
  readonly retryFailed?: boolean;
  readonly takeOver?: string;
  /** Where blobs lie, before what the fleet says. */
  readonly storage?: string;
}

const SECOND = 1_000;
const DEFAULT_DEADLINE_SECONDS = 300;

/** Fleet file when none is named. */
export const DEFAULT_FLEET_FILE = 'heraklit.yaml';

/** What the engine needs to carry a fleet through the loop once; a fresh view of the repositories each time. */
export async function fleetSetup(options: FleetSetupOptions, context: CliContext): Promise<FleetSetup> {
  const { openWorkshop, rolloutOf, verifyOf } = await import('../engine/index.ts');
  const { fleet, database, registryHost, verifier, runtimes = [] } = options;
  const { home, log, progress, signal } = withStorage(context, options.storage ?? fleet.document.registry?.storage);
  const workshop = openWorkshop({
    home,
    log,
    progress,
    signal,
    ...(await repositoryOptions(options)),
    folder: fleet.directory,
    ...(fleet.document.distributions === undefined ? {} : { distributions: fleet.document.distributions }),
  });
  const workloads = fleet.document.rollout?.workloads;
  const selection = workloads === undefined ? {} : { workloads };
  const deadline = (fleet.document.rollout?.deadline ?? DEFAULT_DEADLINE_SECONDS) * SECOND;
  const analysis = await stepAnalysis(fleet, database);
  const signing = await signingSetup(fleet);
  return {
    fleet,
    workshop,
    ...(signing === undefined ? {} : { signing }),
    database,
    architecture: debianArchitecture(),
    registryHost,
    verify: verifyOf({ fleet, workshop, registryHost, ...(verifier === undefined ? {} : { runtime: verifier }) }),
    ...(runtimes.length === 0 || registryHost === ''
      ? {}
      : { rollout: rolloutOf({ database, runtimes, registryHost, deadline, log, ...selection, ...analysis }) }),
    ...(options.retryFailed === undefined ? {} : { retryFailed: options.retryFailed }),
    ...(options.takeOver === undefined ? {} : { takeOver: options.takeOver }),
    log,
    signal,
  };
}

async function stepAnalysis(
  { document, directory }: LoadedFleet,
  database: Database,
): Promise<{ readonly analysis?: StepAnalysis }> {
  const { analysisFor } = await import('../engine/index.ts');
  const settings = analysisFor(document.rollout);
  if (settings === undefined) return {};
  const { measuredAnalysis } = await import('../rollout/index.ts');
  return { analysis: measuredAnalysis({ database, settings, folder: directory, environment: process.env }) };
}

/** Keys are read when the fleet is, so that a wrong passphrase is told before anything is built. */
async function signingSetup({ document, directory }: LoadedFleet): Promise<SigningSetup | undefined> {
  const settings = document.signing;
  if (settings === undefined) return undefined;
  const { key, passphraseFile, trust = [] } = settings;
  const beside = (file: string): string => resolve(directory, file);
  const signer = await signerFrom(beside(key), passphraseFile === undefined ? undefined : beside(passphraseFile));
  const trusted = trust.length === 0 ? [] : await trustedKeys(trust.map(beside));
  return { settings, signer, trusted, version: VERSION };
}

export const fleetFile = (named: string | undefined): string => named ?? join(process.cwd(), DEFAULT_FLEET_FILE);
