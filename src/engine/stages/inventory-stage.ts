import { type Clock, systemClock } from '../../base/index.ts';
import type { Database } from '../../database/index.ts';
import { type Finding, findOutdated, type ImageContents, inspectImage, scopeOf } from '../../inventory/index.ts';
import { recordFindings, recordImage, recordUnsupported } from '../../inventory/store/index.ts';
import type { MissingUpdate } from '../../plan/index.ts';
import type { InventoryPort, ReleasedImage } from '../ports.ts';
import type { Workshop } from '../workshop/workshop.ts';
import { storedImage } from './stored-image.ts';

export interface InventoryStageOptions {
  readonly workshop: Workshop;
  readonly database: Database;
  readonly pockets?: readonly string[];
  readonly clock?: Clock;
}

interface Inspected {
  readonly image: ReleasedImage;
  readonly contents: ImageContents;
}

/**
 * Looks into every released image (each layer once in its life), records it, and checks its packages against the
 * repositories: one check for all images of a distribution and architecture, because fleets share packages.
 */
export function inventoryStage(options: InventoryStageOptions): InventoryPort {
  return {
    async survey(images, signal) {
      const inspected: Inspected[] = [];
      const store = await options.workshop.store();
      for (const image of images) {
        signal.throwIfAborted();
        const resolved = await storedImage(store, image.digest);
        inspected.push({ image, contents: await inspectImage(resolved, { layerCache: options.workshop.layerCache }) });
      }
      await record(options, inspected);
      const missing = new Map<string, readonly MissingUpdate[]>();
      for (const [scope, group] of Map.groupBy(inspected, (one) => scopeOf(one.contents))) {
        signal.throwIfAborted();
        const findings = await checkScope(options, scope, group);
        for (const { image, contents } of group) missing.set(image.image, missingOf(contents, findings));
      }
      return missing;
    },
  };
}

async function record(
  { database, clock = systemClock }: InventoryStageOptions,
  all: readonly Inspected[],
): Promise<void> {
  for (const { image, contents } of all) {
    const reference = `${image.repository}:${image.tag}`;
    const now = new Date(clock.now());
    await database.transaction((trx) => recordImage(trx, { digest: image.digest, contents, reference, now }));
  }
}

type FindingKey = `${string}\n${string}\n${string}`;
const keyOf = (name: string, architecture: string, version: string): FindingKey =>
  `${name}\n${architecture}\n${version}`;

async function checkScope(
  options: InventoryStageOptions,
  scope: string,
  group: readonly Inspected[],
): Promise<ReadonlyMap<FindingKey, Finding>> {
  const { workshop, database, pockets, clock = systemClock } = options;
  const { distribution, architecture } = (group[0] as Inspected).contents;
  const now = new Date(clock.now());
  if (distribution === undefined) {
    const reason = 'no distribution was recognised';
    await database.transaction((trx) => recordUnsupported(trx, { scope, distribution: '', reason, now }));
    return new Map();
  }
  const { name } = distribution;
  const distinct = new Map(
    group.flatMap(({ contents }) =>
      contents.packages.map((item) => [keyOf(item.name, item.architecture, item.version), item] as const),
    ),
  );
  const packages = [...distinct.values()];
  const shelf = await workshop.shelf(name, architecture, pockets);
  const changelog = await workshop.changelogs(name, shelf);
  const check = await findOutdated({ distribution, architecture, packages }, shelf.snapshots, { changelog });
  if (check.kind === 'unsupported') {
    const { reason } = check;
    await database.transaction((trx) => recordUnsupported(trx, { scope, distribution: name, reason, now }));
    return new Map();
  }
  const { findings } = check;
  await database.transaction((trx) => recordFindings(trx, { scope, distribution: name, packages, findings, now }));
  return new Map(findings.map((one) => [keyOf(one.package, one.installedArch, one.installed), one]));
}

function missingOf(contents: ImageContents, findings: ReadonlyMap<FindingKey, Finding>): readonly MissingUpdate[] {
  return contents.packages.flatMap((item): MissingUpdate[] => {
    const finding = findings.get(keyOf(item.name, item.architecture, item.version));
    if (finding === undefined || item.hold) return [];
    const { installed, candidate, security, advisories } = finding;
    return [{ package: item.name, architecture: item.architecture, installed, candidate, security, advisories }];
  });
}
