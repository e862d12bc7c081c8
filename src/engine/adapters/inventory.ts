import { isHeraklitError } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import type { InstalledPackage } from '../../distro/index.ts';
import { findAdvisories } from '../../feed/advisory-feeds/index.ts';
import { knownDistributions } from '../../feed/index.ts';
import {
  type Checked,
  type Finding,
  findOutdated,
  type ImageContents,
  inspectImage,
  scopeOf,
  type UpdateCheck,
} from '../../inventory/index.ts';
import {
  imagesWithUsage,
  packagesOfScope,
  type RecordImage,
  recordFindings,
  recordImages,
  recordUnsupported,
  refreshScope,
} from '../../inventory/store/index.ts';
import type { MissingUpdate } from '../../plan/index.ts';
import type { InventoryPort, ReleasedImage } from '../ports.ts';
import { openStored } from '../workshop/open-stored.ts';
import type { Workshop } from '../workshop/workshop.ts';

/** What is kept of an image until its scope is checked: a fleet's contents would not fit in memory. */
interface Seen {
  readonly name: string;
  readonly scope: string;
  readonly packages: readonly Pick<InstalledPackage, 'name' | 'architecture' | 'version' | 'hold'>[];
}

/** Images recorded by one transaction; what is known of their files is in memory until then. */
const BATCH = 25;

/**
 * Looks into every released image (each layer once in its life), records it, checks each scope's distinct packages
 * against its repositories once, and answers per image.
 */
export function inventoryOf(
  database: Database,
  workshop: Workshop,
  referenceOf: (image: ReleasedImage) => string,
): InventoryPort {
  return {
    async survey(images) {
      const seen: Seen[] = [];
      const samples = new Map<string, ImageContents>();
      const told = await imagesWithUsage(
        database.kysely,
        images.map(({ digest }) => digest),
      );
      for (let at = 0; at < images.length; at += BATCH) {
        const batch: RecordImage[] = [];
        for (const image of images.slice(at, at + BATCH)) {
          workshop.options.progress.update('inventory', seen.length, images.length, image.image);
          const stored = await openStored(await workshop.store(), image.digest);
          const usage = !told.has(image.digest);
          const contents = await inspectImage(stored, { layerCache: workshop.layerCache, usage });
          const { tree: _, ...recorded } = contents;
          batch.push({ digest: image.digest, contents: recorded, reference: referenceOf(image), now: new Date() });
          const scope = scopeOf(contents);
          if (!samples.has(scope)) samples.set(scope, contents);
          const packages = contents.packages.map(({ name, architecture, version, hold }) => {
            return { name, architecture, version, hold };
          });
          seen.push({ name: image.image, scope, packages });
        }
        await database.transaction((trx) => recordImages(trx, batch));
      }
      const findings = new Map<string, ReadonlyMap<string, Finding>>();
      for (const [scope, sample] of samples) {
        findings.set(scope, await checkScope(scope, sample, database, workshop));
      }
      return new Map(seen.map((one) => [one.name, missingOf(one, findings.get(one.scope))]));
    },
  };
}

/** One check for all images of a distribution and architecture: fleets share package versions. */
async function checkScope(
  scope: string,
  sample: ImageContents,
  database: Database,
  workshop: Workshop,
): Promise<ReadonlyMap<string, Finding>> {
  const name = sample.distribution?.name;
  if (name === undefined || scope === '') return new Map();
  const packages = await packagesOfScope(database.kysely, scope);
  const check = await checkPackages({ ...sample, packages, ofManyImages: true }, name, database, workshop);
  const now = new Date();
  if (check.kind === 'unsupported') {
    await database.transaction((trx) =>
      recordUnsupported(trx, { scope, distribution: name, reason: check.reason, now }),
    );
    return new Map();
  }
  await database.transaction(async (trx) => {
    await recordFindings(trx, { scope, distribution: name, packages, findings: check.findings, now });
    await refreshScope(trx, scope);
  });
  return new Map(
    check.findings.map((finding) => [keyOf(finding.package, finding.installedArch, finding.installed), finding]),
  );
}

/** Of a distribution that nobody knows the repositories of, nothing can be said: other images are checked all the same. */
async function checkPackages(
  checked: Checked,
  name: string,
  database: Database,
  workshop: Workshop,
): Promise<UpdateCheck> {
  const shelf = await workshop.shelf(name, checked.architecture).catch((error: unknown) => {
    // No mirror of a known distribution is a fault to be mended; of another it is what was to be expected.
    const isForeign = isHeraklitError(error, 'FEED_NO_MIRROR') && !knownDistributions().includes(name);
    if (isForeign || isHeraklitError(error, 'FEED_DISTRIBUTION_UNKNOWN')) return undefined;
    throw error;
  });
  if (shelf === undefined) return findOutdated(checked, []);
  return findOutdated(checked, shelf.snapshots, {
    changelog: await workshop.changelogs(name, shelf),
    advisories: (ecosystem, names) => findAdvisories(database.kysely, ecosystem, names),
  });
}

const keyOf = (name: string, architecture: string, version: string): string => `${name} ${architecture} ${version}`;

function missingOf({ packages }: Seen, findings: ReadonlyMap<string, Finding> | undefined): readonly MissingUpdate[] {
  return packages.flatMap((pkg) => {
    const finding = findings?.get(keyOf(pkg.name, pkg.architecture, pkg.version));
    if (finding === undefined || pkg.hold) return [];
    const { installed, candidate, security, advisories } = finding;
    return [{ package: pkg.name, architecture: pkg.architecture, installed, candidate, security, advisories }];
  });
}
