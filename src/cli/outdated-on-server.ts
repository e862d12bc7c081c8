import type { OutdatedImage, OutdatedQuery, RemoteHeraklit } from '../http/index.ts';
import { globMatches } from '../inventory/index.ts';
import type { OutdatedView } from './render/outdated.ts';

/** What is asked for of a fleet's updates. */
export interface OutdatedFilter {
  readonly image?: string;
  readonly distribution?: string;
  /** At least. */
  readonly severity?: 'critical' | 'important';
  /** RFC 3339: only updates published then or later. */
  readonly since?: string;
  /** Only what the entry point, or anything, is linked against, or what runs now. */
  readonly usage?: 'entrypoint' | 'linked' | 'loaded';
}

/** The same answer as from the home's own database. */
export async function outdatedOnServer(
  server: Pick<RemoteHeraklit, 'fleet' | 'outdated'>,
  { image: imageGlob, distribution: wanted, severity, since, usage }: OutdatedFilter,
): Promise<readonly OutdatedView[]> {
  const filter = {
    ...(wanted === undefined ? {} : { distribution: wanted }),
    ...(severity === undefined ? {} : { severity }),
    ...(since === undefined ? {} : { since }),
    ...(usage === undefined ? {} : { usage }),
  };
  const [{ images: known }, outdated] = await Promise.all([server.fleet(), everyOutdated(server, filter)]);
  const findings = new Map(outdated.map((image) => [image.reference, image.findings]));
  return known.flatMap((image): OutdatedView[] => {
    const { reference, digest, distribution, unsupported, grade } = image;
    // One that was never built has nothing that could be outdated; a home's own database does not list it either.
    if (digest === null || (imageGlob !== undefined && !globMatches(imageGlob, reference))) return [];
    if (wanted !== undefined && distribution !== wanted) return [];
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

const PAGE = 10_000;

async function everyOutdated(
  server: Pick<RemoteHeraklit, 'outdated'>,
  query: OutdatedQuery,
): Promise<readonly OutdatedImage[]> {
  const images: OutdatedImage[] = [];
  for (let after: string | null = null; ; ) {
    const page: Awaited<ReturnType<typeof server.outdated>> = await server.outdated({
      ...query,
      limit: PAGE,
      ...(after === null ? {} : { after }),
    });
    images.push(...page.images);
    if (page.next === null) return images;
    after = page.next;
  }
}
