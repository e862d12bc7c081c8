import {
  type AdvisoryEntry,
  type AdvisorySeverity,
  type CompareVersions,
  explainUpdate,
  type InstalledNames,
  isCve,
  severityOfEntry,
  worseOf,
} from '../advisory/index.ts';

/**
 * What imported advisories say of packages of a distribution, by their binary or source names. May give more than was
 * asked for. @param ecosystem `debian/bookworm`
 */
export type FindAdvisories = (ecosystem: string, names: readonly string[]) => Promise<readonly AdvisoryEntry[]>;

/** An advisory that a statement (VEX, or the distribution itself) says is no issue here. */
export interface NotAffected {
  readonly id: string;
  /** A label of OpenVEX or CSAF: `vulnerable_code_not_in_execute_path`; '' where the author gives none. */
  readonly justification: string;
  /** The author's own words. */
  readonly statement: string;
}

/** What imported advisories add to an update. */
export interface UpdateExplanation {
  /** Ids that the update fixes: CVE ids, the advisory's own where it names none. */
  readonly fixes: readonly string[];
  readonly ratings: ReadonlyMap<string, AdvisorySeverity>;
  readonly scores: ReadonlyMap<string, number>;
  readonly notAffected: ReadonlyMap<string, NotAffected>;
}

export const UNEXPLAINED: UpdateExplanation = {
  fixes: [],
  ratings: new Map(),
  scores: new Map(),
  notAffected: new Map(),
};

/** The CVE ids an entry is about; its own id where there are none. */
function idsOf({ advisory }: AdvisoryEntry): readonly string[] {
  if (isCve(advisory.id)) return [advisory.id];
  const named = advisory.aliases.filter(isCve);
  return named.length === 0 ? [advisory.id] : named;
}

/** Does a statement hold for the image that is looked at? One about a package alone holds everywhere. */
const appliesTo = (entry: AdvisoryEntry, isThisImage: (product: string) => boolean): boolean =>
  entry.affected.product === undefined || isThisImage(entry.affected.product);

/**
 * Entries → what they say of one update.
 * @param entries about packages of this name; whole-image statements (name '') among them
 * @param isThisImage is a VEX product (package URL or digest) the image at hand?
 */
export function explanationOf(
  entries: readonly AdvisoryEntry[],
  installed: InstalledNames,
  candidate: InstalledNames,
  compare: CompareVersions,
  isThisImage: (product: string) => boolean = () => false,
): UpdateExplanation {
  const applying = entries.filter((entry) => appliesTo(entry, isThisImage));
  const { fixes, notAffected } = explainUpdate(applying, installed, candidate, compare);
  const cleared = new Map<string, NotAffected>();
  for (const [id, entry] of notAffected) cleared.set(id, noteOf(id, entry));
  for (const entry of applying)
    if (isWholeImage(entry)) for (const id of idsOf(entry)) cleared.set(id, noteOf(id, entry));
  return { fixes: [...new Set(fixes.flatMap(idsOf))], ...rate(applying), notAffected: cleared };
}

/** What names the CVE id itself knows it better than an advisory that fixes twenty of them. */
function rate(entries: readonly AdvisoryEntry[]): Pick<UpdateExplanation, 'ratings' | 'scores'> {
  const ratings = new Map<string, AdvisorySeverity>();
  const scores = new Map<string, number>();
  const isOwn = (entry: AdvisoryEntry): boolean => isCve(entry.advisory.id);
  for (const entry of [...entries.filter(isOwn), ...entries.filter((one) => !isOwn(one))]) {
    for (const id of idsOf(entry)) {
      const rating = isOwn(entry) || !ratings.has(id) ? severityOfEntry(entry) : undefined;
      const worse = worseOf(ratings.get(id), rating);
      if (worse !== undefined) ratings.set(id, worse);
      if (entry.advisory.score !== undefined) scores.set(id, Math.max(scores.get(id) ?? 0, entry.advisory.score));
    }
  }
  return { ratings, scores };
}

const isWholeImage = ({ affected }: AdvisoryEntry): boolean =>
  affected.name === '' &&
  affected.product !== undefined &&
  (affected.status === 'not_affected' || affected.status === 'fixed');

const noteOf = (id: string, { affected }: AdvisoryEntry): NotAffected => ({
  id,
  justification: affected.justification ?? (affected.status === 'fixed' ? 'fixed' : ''),
  statement: affected.statement ?? '',
});
