import { apkEcosystem } from './apk/index.ts';
import { archEcosystem } from './arch/index.ts';
import { debEcosystem } from './deb/index.ts';
import type { PackageEcosystem } from './ecosystem.ts';
import { rpmEcosystem } from './rpm/index.ts';
import type { EcosystemId } from './types.ts';

/** Every family heraklit reads, in the order in which a root is asked for its database. */
export const ECOSYSTEMS: readonly PackageEcosystem[] = [debEcosystem, rpmEcosystem, apkEcosystem, archEcosystem];

const BY_ID = new Map(ECOSYSTEMS.map((ecosystem) => [ecosystem.id, ecosystem]));

/** For an id that is written down somewhere: one of a family unknown here orders versions as Debian does. */
export function ecosystemOf(id: EcosystemId | string): PackageEcosystem {
  return BY_ID.get(id as EcosystemId) ?? debEcosystem;
}
