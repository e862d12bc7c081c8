import type { AdvisoryEntry, CompareVersions, InstalledNames } from '../advisory/index.ts';
import type { FindAdvisories, ImageContents } from '../inventory/index.ts';
import type { CliContext } from './context.ts';
import { cliError } from './errors.ts';
import { type ReadContentsOptions, readContents } from './image-contents.ts';
import { importedAdvisories } from './imported-advisories.ts';
import type { KnownView } from './render/known-advisories.ts';

/**
 * What imported advisories say affects the packages of images, whether or not a repository fixes it, packages of
 * languages among them. No repository is asked, and no finding comes of it.
 */
export async function knownAdvisories(
  references: readonly string[],
  options: ReadContentsOptions,
  context: CliContext,
): Promise<readonly KnownView[]> {
  const imported = await importedAdvisories(context);
  if (imported === undefined) {
    throw cliError('CLI_USAGE', 'no advisories were imported into this home', {
      hint: 'heraklit feed import reads some.',
    });
  }
  try {
    const views: KnownView[] = [];
    for (const reference of references) {
      const contents = await readContents(reference, context, options);
      const advisories = [
        ...(await ofDistribution(contents, imported.find)),
        ...(await ofLanguages(contents, imported.find)),
      ];
      views.push({ reference, digest: contents.digest, advisories });
    }
    return views;
  } finally {
    await imported.close();
  }
}

type Known = KnownView['advisories'][number];

async function ofDistribution(contents: ImageContents, find: FindAdvisories): Promise<readonly Known[]> {
  const { ecosystemOf } = await import('../distro/index.ts');
  const name = contents.distribution?.name;
  if (name === undefined) return [];
  const { compareVersions } = ecosystemOf(contents.ecosystem ?? 'deb');
  return affectingAll(name, contents.packages, find, compareVersions);
}

/** What belongs to a package of the distribution is that one's business: its versions are patched ones. */
async function ofLanguages(contents: ImageContents, find: FindAdvisories): Promise<readonly Known[]> {
  const { languageVersionOrder } = await import('../language/versions/index.ts');
  const own = contents.languagePackages.filter((item) => item.owner === undefined);
  const found: Known[] = [];
  for (const [ecosystem, packages] of Map.groupBy(own, (item) => item.ecosystem)) {
    const named = packages.map(({ name, version }) => ({ name, version, source: { name, version } }));
    found.push(...(await affectingAll(ecosystem, named, find, languageVersionOrder(ecosystem))));
  }
  return found;
}

async function affectingAll(
  ecosystem: string,
  packages: readonly InstalledNames[],
  find: FindAdvisories,
  compare: CompareVersions,
): Promise<readonly Known[]> {
  const { affecting, severityOfEntry } = await import('../advisory/index.ts');
  const names = packages.flatMap((pkg) => [pkg.name, pkg.source.name]);
  const entries = await find(ecosystem, [...new Set(names)]);
  const byName = Map.groupBy(
    entries.filter(({ affected }) => affected.product === undefined),
    ({ affected }) => affected.name,
  );
  const of = (name: string): readonly AdvisoryEntry[] => byName.get(name) ?? [];
  return packages.flatMap((pkg) => {
    const about = [...of(pkg.name), ...(pkg.source.name === pkg.name ? [] : of(pkg.source.name))];
    return affecting(about, pkg, compare).map((entry) => ({
      ...{ package: pkg.name, ecosystem, installed: pkg.version, id: entry.advisory.id },
      ...{ severity: severityOfEntry(entry), score: entry.advisory.score, fixed: entry.affected.fixed },
      reason: entry.affected.justification ?? '',
    }));
  });
}
