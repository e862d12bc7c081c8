import type { RemoteHeraklit } from '../http/index.ts';
import { globMatches } from '../inventory/index.ts';
import type { OutdatedView } from './render/outdated.ts';

/** The same answer as from the home's own database. */
export async function outdatedOnServer(
  server: Pick<RemoteHeraklit, 'fleet' | 'outdated'>,
  imageGlob: string | undefined,
): Promise<readonly OutdatedView[]> {
  const [{ images: known }, { images: outdated }] = await Promise.all([server.fleet(), server.outdated(undefined)]);
  const findings = new Map(outdated.map((image) => [image.reference, image.findings]));
  return known.flatMap((image): OutdatedView[] => {
    const { reference, digest, distribution, unsupported, grade } = image;
    // One that was never built has nothing that could be outdated; a home's own database does not list it either.
    if (digest === null || (imageGlob !== undefined && !globMatches(imageGlob, reference))) return [];
    const own = findings.get(reference) ?? [];
    if (unsupported === null && own.length === 0 && grade !== 'F') return [];
    return [
      {
        reference,
        digest,
        distribution: distribution ?? undefined,
        status: unsupported === null ? 'checked' : UNCHECKED.has(unsupported) ? 'unchecked' : 'unsupported',
        reason: unsupported === null || UNCHECKED.has(unsupported) ? '' : unsupported,
        // The installed architecture (other only where a package became Architecture: all) is not told, nor printed.
        findings: own.map((finding) => ({ ...finding, installedArch: finding.arch })),
        grade: grade ?? undefined,
        dropsAt: image.dropsAt ?? undefined,
        endOfSupport: image.endOfSupport ?? undefined,
      },
    ];
  });
}

/** What the API says of images that no repository was asked about yet. */
const UNCHECKED: ReadonlySet<string> = new Set(['not checked yet', 'not scanned yet']);
