import type { Database } from '../database/index.ts';
import type { LoadedFleet } from '../engine/index.ts';
import type { FleetLimits } from '../recipe/index.ts';
import type { RegistryLimits, RegistryQuota } from '../registry/index.ts';
import type { CliContext } from './context.ts';
import { cliError } from './errors.ts';

/** Names that `--limit NAME=VALUE` takes: those of `registry.limits` in a fleet file. */
const NAMES = [
  'manifestBytes',
  'blobBytes',
  'uploads',
  'uploadExpiry',
  'bodyIdle',
  'bodyBytes',
  'reserveBytes',
  'repositories',
  'connections',
] as const satisfies readonly (keyof FleetLimits)[];

export interface ServeLimits {
  readonly limits: Partial<RegistryLimits>;
  readonly quota: RegistryQuota | undefined;
  /** Connections held at once. */
  readonly connections: number | undefined;
}

/** What clients may do to the registry: the fleet file's word, and above it `--limit`. @throws CLI_USAGE */
export async function serveLimits(
  fleet: LoadedFleet | undefined,
  options: readonly string[],
  database: Database,
  context: CliContext,
): Promise<ServeLimits> {
  const { limits: named = {}, quotas = [] } = fleet?.document.registry ?? {};
  const all: FleetLimits = { ...named, ...Object.fromEntries(options.map(parseLimit)) };
  const { manifestBytes, blobBytes, uploads, bodyBytes, uploadExpiry, bodyIdle } = all;
  const { reserveBytes, repositories, connections } = all;
  const { createQuota, freeBytesOf } = await import('../registry/index.ts');
  const limited = quotas.length > 0 || reserveBytes !== undefined || repositories !== undefined;
  return {
    limits: withoutUndefined({
      ...{ manifestBytes, blobBytes, uploads, bodyBytes },
      uploadExpiry: uploadExpiry === undefined ? undefined : uploadExpiry * 1_000,
      bodyIdle: bodyIdle === undefined ? undefined : bodyIdle * 1_000,
    }),
    quota: limited
      ? createQuota({
          ...{ database, rules: quotas },
          // A bucket has no end that anybody could look at.
          ...(context.home.storage === undefined ? { free: freeBytesOf(context.home.store) } : {}),
          ...(reserveBytes === undefined ? {} : { reserve: reserveBytes }),
          ...(repositories === undefined ? {} : { repositories }),
        })
      : undefined,
    connections,
  };
}

/** `blobBytes=5000000000` */
export function parseLimit(text: string): readonly [keyof FleetLimits, number] {
  const [name, value] = text.split('=', 2);
  const known = NAMES.find((one) => one === name);
  const number = Number(value);
  if (known === undefined || value === undefined || !Number.isSafeInteger(number) || number < 1) {
    throw cliError('CLI_USAGE', `--limit takes NAME=NUMBER, not ${JSON.stringify(text)}`, {
      hint: `Names: ${NAMES.join(', ')}.`,
    });
  }
  return [known, number];
}

type Given<T> = { readonly [Key in keyof T]?: T[Key] | undefined };

function withoutUndefined<T>(values: Given<T>): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
