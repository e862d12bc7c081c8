import { join, resolve } from 'node:path';
import { systemClock } from '../base/index.ts';
import type { Database } from '../database/index.ts';
import type { FleetSetup, LoadedFleet, SigningSetup } from '../engine/index.ts';
import type { EngineRuntime, WorkloadRuntime } from '../runtime/index.ts';
import type { CliContext } from './context.ts';
import { debianArchitecture } from './debian-architecture.ts';
import { testClusterOptions } from './fleet-clusters.ts';
import { carryContext } from './rollout-setup.ts';
import { signerFrom, trustedKeys } from './signing-keys.ts';
import { repositoryOptions, type SourceOptions } from './source-options.ts';
import { withStorage } from './storage-option.ts';
import { VERSION } from './version.ts';

export interface FleetSetupOptions extends SourceOptions {
  readonly fleet: LoadedFleet;
  readonly database: Database;
  /** `host:port` of our registry; '' when it is not served. */
  readonly registryHost: string;
  /** Where the verifier pulls candidates from, when that is not `registryHost`. */
  readonly candidatesFrom?: string;
  /** Starts candidates to test them. */
  readonly verifier?: EngineRuntime;
  /** Where released images are rolled out to. */
  readonly runtimes?: readonly WorkloadRuntime[];
  readonly retryFailed?: boolean;
  readonly takeOver?: string;
  /** Where blobs lie, before what the fleet says. */
  readonly storage?: string;
}

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
  const rollout =
    runtimes.length === 0 || registryHost === ''
      ? undefined
      : rolloutOf({
          ...(await carryContext({ fleet, database, runtimes, workshop, context: { log, signal } })),
          ...{ registryHost, document: fleet.document, fleet: fleet.fleet.name },
        });
  const signing = await signingSetup(fleet);
  const [{ createSqlCatalogue }, { kubernetesRunner, recordVerification }] = await Promise.all([
    import('../registry/index.ts'),
    import('../verify/index.ts'),
  ]);
  const catalogue = createSqlCatalogue(database);
  return {
    fleet,
    workshop,
    ...(signing === undefined ? {} : { signing }),
    database,
    architecture: debianArchitecture(),
    registryHost,
    verify: verifyOf({
      fleet,
      workshop,
      registryHost: options.candidatesFrom ?? registryHost,
      keep: async (id, image, verification) =>
        await database.transaction((trx) => recordVerification(trx, id, image, verification, systemClock)),
      released: async (repository, tag) => (await catalogue.resolve(repository, tag))?.digest,
      ...(verifier === undefined ? {} : { runtime: verifier }),
      runnerFor: (cluster) => kubernetesRunner(testClusterOptions(cluster, fleet)),
    }),
    ...(rollout === undefined ? {} : { rollout }),
    ...(options.retryFailed === undefined ? {} : { retryFailed: options.retryFailed }),
    ...(options.takeOver === undefined ? {} : { takeOver: options.takeOver }),
    log,
    signal,
  };
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
