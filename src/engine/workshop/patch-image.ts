import { type BuiltImage, canRunDpkg, openPatchRoot, patch, withoutPatchLayer } from '../../build/index.ts';
import type { EcosystemId } from '../../distro/index.ts';
import {
  type FindAdvisories,
  type Finding,
  findOutdated,
  type ImageContents,
  inspectLayers,
  readLayers,
} from '../../inventory/index.ts';
import type { ResolvedImage } from '../../oci/index.ts';
import { workshopError } from './errors.ts';
import { solveUpgrades } from './solve-upgrades.ts';
import type { Shelf, Workshop } from './workshop.ts';

/** Families whose images can be patched. */
const PATCHED: ReadonlySet<EcosystemId> = new Set(['deb', 'apk', 'rpm']);

export interface PatchFilter {
  readonly onlySecurity?: boolean;
  /** Only these packages (names). */
  readonly packages?: readonly string[];
  /** Only updates rated at least so. */
  readonly severity?: Finding['severity'];
  /** Only updates rated at most so: worse ones take another way. */
  readonly maxSeverity?: Finding['severity'];
  /** Imported advisories: they rate and name what is found. */
  readonly advisories?: FindAdvisories;
  /** Of the new layer; default: zstd, for Docker's manifests gzip. */
  readonly compression?: 'gzip' | 'zstd';
}

export type PatchOutcome =
  | { readonly kind: 'patched'; readonly image: BuiltImage; readonly fixed: readonly Finding[] }
  /** Nothing to do: no finding, or none that the filter lets through. */
  | { readonly kind: 'unchanged'; readonly left: readonly Finding[] };

/**
 * scan → findings → solve → patch, for one image of any origin. An image that was patched before is patched from its
 * original again, and gets at least what the earlier patch brought.
 *
 * @throws IMAGE_UNSUPPORTED, and what `patch` throws
 */
export async function patchImage(image: ResolvedImage, filter: PatchFilter, tools: Workshop): Promise<PatchOutcome> {
  const { home, log, progress, signal } = tools.options;
  const records = await readLayers(image, { layerCache: tools.layerCache, ...(signal ? { signal } : {}) });
  const now = await inspectLayers(image, records);
  const workshop = tools.forImage(now);
  if (now.distribution === undefined) throw unsupported(image, 'no distribution was recognised in it');
  const original = withoutPatchLayer(image).image;
  const indexes = records.slice(0, original.manifest.layers.length).map((record) => record.index);
  const unpacking = new AbortController();
  // A run that is done already needs no root; should it be another after all, `patch` unpacks one.
  const root =
    canRunDpkg(now.tree) && !workshop.patchMemory.mayKnow(indexes)
      ? openPatchRoot(image, indexes, { scratch: home.scratch, log, signal: anyOf(signal, unpacking.signal) })
      : undefined;
  // Waited for by `patch`; where it is not, its end is of no interest.
  root?.catch(() => undefined);
  try {
    const shelf = await workshop.shelf(now.distribution.name, now.architecture);
    const check = (contents: ImageContents) => findings(image, contents, filter, shelf, workshop);
    const found = await check(now);
    const wanted = found.filter((finding) => isWanted(finding, filter) && !isHeld(finding, now));
    if (wanted.length === 0) return { kind: 'unchanged', left: found };
    if (now.ecosystem === undefined || !PATCHED.has(now.ecosystem))
      throw unsupported(image, `it misses ${wanted.length} updates of the ${now.ecosystem} family`);
    const before = original === image ? now : await inspectLayers(original, records.slice(0, indexes.length));
    const chosen = original === image ? wanted : (await check(before)).filter(again(wanted, before, now));
    const everything = found.every((finding) => wanted.includes(finding));
    const request = { image: original, contents: before, indexes, findings: chosen, everything };
    const plan = await solveUpgrades(request, shelf, workshop);
    const packages = await workshop.packages(now.distribution.name);
    const advisories = [...new Set(chosen.flatMap((finding) => finding.advisories))].sort();
    const built = await patch(
      {
        ...{ image, indexes, installed: before.packages, advisories, family: now.ecosystem },
        ...plan,
        root,
        ...(filter.compression === undefined ? {} : { compression: filter.compression }),
      },
      {
        store: await workshop.store(),
        layers: workshop.layerFacts,
        packages,
        memory: workshop.patchMemory,
        plainPackages: workshop.plainPackages,
        scratch: home.scratch,
        log,
        progress,
        ...(signal === undefined ? {} : { signal }),
      },
    );
    return { kind: 'patched', image: built, fixed: chosen };
  } finally {
    unpacking.abort();
    await root?.then(
      (opened) => opened.close(),
      () => undefined,
    );
  }
}

const anyOf = (...signals: readonly (AbortSignal | undefined)[]): AbortSignal =>
  AbortSignal.any(signals.filter((signal) => signal !== undefined));

async function findings(
  image: ResolvedImage,
  contents: ImageContents,
  { advisories }: PatchFilter,
  shelf: Shelf,
  workshop: Workshop,
): Promise<readonly Finding[]> {
  const changelog = await workshop.changelogs(contents.distribution?.name ?? '', shelf);
  const known = advisories === undefined ? {} : { advisories };
  const check = await findOutdated(contents, shelf.snapshots, { changelog, ...known });
  if (check.kind === 'unsupported') throw unsupported(image, check.reason);
  return check.findings;
}

function unsupported(image: ResolvedImage, reason: string): Error {
  return workshopError('IMAGE_UNSUPPORTED', `${image.digest}: ${reason}`, {
    hint: 'Images of dpkg, apk and rpm can be patched.',
  });
}

/** What is wanted now, and what the earlier patch brought: a patch never takes an update back. */
function again(wanted: readonly Finding[], before: ImageContents, now: ImageContents): (finding: Finding) => boolean {
  const versions = (contents: ImageContents) => new Map(contents.packages.map((pkg) => [pkg.name, pkg.version]));
  const [old, current] = [versions(before), versions(now)];
  const names = new Set(wanted.map((finding) => finding.package));
  return ({ package: name }) => names.has(name) || old.get(name) !== current.get(name);
}

const isHeld = (finding: Finding, contents: ImageContents): boolean =>
  contents.packages.some((pkg) => pkg.hold && pkg.name === finding.package);

const SEVERITIES: readonly Finding['severity'][] = ['other', 'important', 'critical'];
const rank = ({ severity }: Pick<Finding, 'severity'>): number => SEVERITIES.indexOf(severity);

const isWanted = (finding: Finding, filter: PatchFilter): boolean =>
  rank(finding) >= rank({ severity: filter.severity ?? 'other' }) &&
  rank(finding) <= rank({ severity: filter.maxSeverity ?? 'critical' }) &&
  (filter.onlySecurity !== true || finding.security) &&
  (filter.packages === undefined || filter.packages.includes(finding.package));
