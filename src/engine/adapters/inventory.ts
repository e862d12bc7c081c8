import { isHeraklitError } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
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
  recordFindings,
  recordImage,
  recordUnsupported,
  refreshScope,
} from '../../inventory/store/index.ts';
import type { MissingUpdate } from '../../plan/index.ts';
import type { InventoryPort, ReleasedImage } from '../ports.ts';
import { openStored } from '../workshop/open-stored.ts';
import type { Workshop } from '../workshop/workshop.ts';

interface Seen {
  readonly image: ReleasedImage;
  readonly contents: ImageContents;
}

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
      for (const image of images) {
        workshop.options.progress.update('inventory', seen.length, images.length, image.image);
        const stored = await openStored(await workshop.store(), image.digest);
        const isTold = (await imagesWithUsage(database.kysely, [image.digest])).size > 0;
        const contents = await inspectImage(stored, { layerCache: workshop.layerCache, usage: !isTold });
        await database.transaction((trx) =>
          recordImage(trx, { digest: image.digest, contents, reference: referenceOf(image), now: new Date() }),
        );
        seen.push({ image, contents });
      }
      const findings = new Map<string, ReadonlyMap<string, Finding>>();
      for (const [scope, members] of Map.groupBy(seen, ({ contents }) => scopeOf(contents))) {
        findings.set(scope, await checkScope(scope, members[0]?.contents as ImageContents, database, workshop));
      }
      return new Map(seen.map((one) => [one.image.image, missingOf(one, findings.get(scopeOf(one.contents)))]));
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

function missingOf({ contents }: Seen, findings: ReadonlyMap<string, Finding> | undefined): readonly MissingUpdate[] {
  return contents.packages.flatMap((pkg) => {
    const finding = findings?.get(keyOf(pkg.name, pkg.architecture, pkg.version));
    if (finding === undefined || pkg.hold) return [];
    const { installed, candidate, security, advisories } = finding;
    return [{ package: pkg.name, architecture: pkg.architecture, installed, candidate, security, advisories }];
  });
}
