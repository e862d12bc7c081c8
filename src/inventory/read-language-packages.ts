import type { InstalledPackage } from '../distro/index.ts';
import type { FileFinding, LanguagePackage, SurvivingFinding } from '../language/index.ts';
import type { FlatTree } from '../oci/index.ts';
import { type FileView, layeredView } from './file-view.ts';
import type { LayerRecord } from './layer-record.ts';
import type { InstalledFiles } from './owned-files.ts';
import { fileListSource, linkIn, ownersOf } from './owners.ts';
import type { IncompletePart } from './types.ts';

export interface LanguageState {
  readonly packages: readonly LanguagePackage[];
  readonly incomplete: readonly IncompletePart[];
}

const NONE: LanguageState = { packages: [], incomplete: [] };

/** What the readers' findings come to in the finished root: only files that are still there count. */
export async function languagePackagesOf(
  records: readonly LayerRecord[],
  tree: FlatTree,
  packages: readonly InstalledPackage[],
): Promise<LanguageState> {
  return attribute(survivors(records, tree), { view: layeredView(tree, records), packages }, linkIn(tree));
}

/** The same of findings in a folder. */
export async function languagePackagesIn(
  findings: readonly FileFinding[],
  { view, packages }: InstalledFiles,
  linkAt: (path: string) => string | undefined,
): Promise<LanguageState> {
  return attribute(
    findings.map((finding) => ({ finding, layer: undefined })),
    { view: condensingView(view), packages },
    linkAt,
  );
}

/** File lists of a folder as a layer's capture keeps them: condensed. */
export function condensingView(view: FileView): FileView {
  return {
    ...view,
    read: async (path) => {
      const file = await view.read(path);
      const source = fileListSource(path);
      if (file?.kind !== 'content' || source === undefined) return file;
      return { kind: 'content', bytes: source.condense(path, Buffer.from(file.bytes)) };
    },
  };
}

type Unattributed = Omit<SurvivingFinding, 'owner'>;

async function attribute(
  all: readonly Unattributed[],
  root: InstalledFiles,
  linkAt: (path: string) => string | undefined,
): Promise<LanguageState> {
  // Most findings are facts on programs, which are no packages.
  const found = all.filter(({ finding }) => finding.packages !== undefined || finding.problems !== undefined);
  if (found.length === 0) return NONE;
  const { languagePackages } = await import('../language/packages/index.ts');
  const owners = await ownersOf(new Set(found.map(({ finding }) => finding.path)), root, linkAt);
  return {
    packages: languagePackages(found.map((one) => ({ ...one, owner: owners.get(one.finding.path) }))),
    incomplete: found.flatMap(({ finding }) =>
      (finding.problems ?? []).map((reason) => ({ path: finding.path, reason })),
    ),
  };
}

/** Findings of files that are still there in the finished root. */
export function survivors(records: readonly LayerRecord[], tree: FlatTree): readonly Unattributed[] {
  const byPath = records.map((record) => Map.groupBy(record.findings, (finding) => finding.path));
  const found: Unattributed[] = [];
  for (const [layer, files] of byPath.entries()) {
    for (const [path, findings] of files) {
      const flat = tree.get(path);
      if (flat?.layer !== layer || flat.entry.type !== 'file') continue;
      for (const finding of findings) found.push({ finding, layer: records[layer]?.index.diffId });
    }
  }
  // Other names of a file that was read: package managers link what they have in a store.
  for (const [path, { entry, layer, target }] of tree) {
    if (entry.type !== 'hardlink' || target === undefined) continue;
    for (const finding of byPath[target.layer]?.get(target.entry.path) ?? []) {
      found.push({ finding: { ...finding, path }, layer: records[layer]?.index.diffId });
    }
  }
  return found;
}
