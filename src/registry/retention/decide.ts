import type { Digest } from '../../oci/index.ts';
import { matchesGlob } from './glob.ts';
import type { RetentionRule } from './rules.ts';

export interface TagFacts {
  readonly name: string;
  readonly digest: Digest;
  /** Milliseconds since the epoch. */
  readonly updated: number;
}

export interface ManifestFacts {
  readonly digest: Digest;
  readonly subject: Digest | null;
  readonly pushed: number;
  /** Of an index: its children. */
  readonly children: readonly Digest[];
}

export interface RepositoryFacts {
  readonly name: string;
  readonly tags: readonly TagFacts[];
  readonly manifests: readonly ManifestFacts[];
}

/** What the rest of heraklit says of digests and of `repository:tag`. */
export interface Needs {
  readonly reasons: ReadonlyMap<string, readonly string[]>;
  readonly running: ReadonlySet<string>;
}

export interface TagDecision extends TagFacts {
  readonly keep: boolean;
  /** Why, in words for people; of a removed tag what it lacks. */
  readonly reasons: readonly string[];
}

export interface RepositoryDecision {
  readonly repository: string;
  readonly tags: readonly TagDecision[];
  /** Manifests that go, with why. */
  readonly manifests: readonly { readonly digest: Digest; readonly pushed: number; readonly reason: string }[];
}

const DAY = 86_400_000;
/** How clients without referrers name what belongs to an image: cosign's `sha256-….sig`, the fallback `sha256-…`. */
const BELONGS = /^(sha256|sha512)-([0-9a-f]{64}|[0-9a-f]{128})(?:\.[A-Za-z0-9_.-]+)?$/;

/** Steps of builds (docs/rebuild.md, build cache). They take no place among the newest tags of a rule. */
const BUILD_CACHE = /^buildcache-[0-9a-f]{24}-/;
/** Days that they stay where a rule says nothing of age. */
const CACHE_DAYS = 30;

/** Pure: which tags and manifests of a repository go by its rule, and why each tag stays or goes. */
export function decideRetention(
  facts: RepositoryFacts,
  rule: RetentionRule,
  needs: Needs,
  now: number,
): RepositoryDecision {
  const known = new Map(facts.manifests.map((manifest) => [manifest.digest, manifest]));
  const own = facts.tags.filter(({ name }) => !BELONGS.test(name));
  const rank = new Map(
    own
      .filter(({ name }) => !BUILD_CACHE.test(name))
      .toSorted((a, b) => b.updated - a.updated || (a.name < b.name ? -1 : 1))
      .map(({ name }, at) => [name, at]),
  );
  const decided = new Map<string, TagDecision>();
  for (const tag of own) {
    const children = known.get(tag.digest)?.children ?? [];
    const reasons = [
      ...wantedBy(tag, rule, rank.get(tag.name), now),
      ...neededFor([tag.digest, ...children], rule, needs),
      ...(rule.running !== false && needs.running.has(`${facts.name}:${tag.name}`) ? ['running'] : []),
    ];
    decided.set(tag.name, {
      ...tag,
      keep: reasons.length > 0,
      reasons:
        reasons.length > 0
          ? [...new Set(reasons)]
          : [
              BUILD_CACHE.test(tag.name)
                ? `build cache, older than ${rule.newerThan ?? CACHE_DAYS} days`
                : whyNot(rule),
            ],
    });
  }
  const keptBy = keptManifests(facts, known, rule, needs, [...decided.values()], now);
  for (const tag of facts.tags) {
    if (decided.has(tag.name)) continue;
    const subject = tag.name.split('.')[0]?.replace('-', ':') as Digest;
    const keep = keptBy.has(subject);
    const reasons = [keep ? `belongs to ${subject}` : `${subject} is not here, or goes`];
    decided.set(tag.name, { ...tag, keep, reasons });
    if (keep) follow(tag.digest, facts, known, keptBy);
  }
  const removed = new Set([...decided.values()].filter(({ keep }) => !keep).map(({ digest }) => digest));
  return {
    repository: facts.name,
    tags: facts.tags.map(({ name }) => decided.get(name) as TagDecision),
    manifests: facts.manifests
      .filter(({ digest }) => !keptBy.has(digest))
      .map(({ digest, pushed, subject }) => ({
        digest,
        pushed,
        reason: removed.has(digest)
          ? 'its tags go'
          : subject !== null && !keptBy.has(subject)
            ? `what it refers to is not here, or goes`
            : 'no tag, nothing names it',
      })),
  };
}

function wantedBy(tag: TagFacts, rule: RetentionRule, rank: number | undefined, now: number): readonly string[] {
  const { newest = 0, newerThan, tags = [] } = rule;
  // Without a rank: of a build cache.
  const days = newerThan ?? (rank === undefined ? CACHE_DAYS : undefined);
  const pattern = tags.find((glob) => matchesGlob(glob, tag.name));
  return [
    ...(rank !== undefined && rank < newest ? [`one of the newest ${newest}`] : []),
    ...(days !== undefined && now - tag.updated < days * DAY ? [`newer than ${days} days`] : []),
    ...(pattern === undefined ? [] : [`fits ${pattern}`]),
  ];
}

function neededFor(digests: readonly Digest[], rule: RetentionRule, needs: Needs): readonly string[] {
  const reasons = digests.flatMap((digest) => needs.reasons.get(digest) ?? []);
  return reasons.filter((reason) => {
    if (reason === 'running') return rule.running !== false;
    if (reason === 'released') return rule.released !== false;
    if (reason === 'base' || reason === 'rollback') return rule.lineage !== false;
    return true;
  });
}

function whyNot({ newest, newerThan, tags }: RetentionRule): string {
  const wants = [
    ...(newest === undefined ? [] : [`not of the newest ${newest}`]),
    ...(newerThan === undefined ? [] : [`older than ${newerThan} days`]),
    ...(tags === undefined || tags.length === 0 ? [] : [`fits none of ${tags.join(', ')}`]),
    'not in use',
  ];
  return wants.join(', ');
}

/** Manifests that stay: tagged, needed, or untagged and not yet due; with the children of indexes and with referrers. */
function keptManifests(
  facts: RepositoryFacts,
  known: ReadonlyMap<Digest, ManifestFacts>,
  rule: RetentionRule,
  needs: Needs,
  tags: readonly TagDecision[],
  now: number,
): Set<Digest> {
  const kept = new Set<Digest>();
  const wasTagged = new Set(facts.tags.map(({ digest }) => digest));
  const isChild = new Set(facts.manifests.flatMap(({ children }) => children));
  for (const { digest, keep } of tags) if (keep) follow(digest, facts, known, kept);
  for (const { digest, pushed, subject } of facts.manifests) {
    const needed = neededFor([digest], rule, needs).length > 0;
    // With its own fate: not that of a tag, of an index, or of what it refers to.
    const alone = !wasTagged.has(digest) && !isChild.has(digest) && (subject === null || !known.has(subject));
    const due = rule.untagged !== undefined && now - pushed >= rule.untagged * DAY;
    if (needed || (alone && !due)) follow(digest, facts, known, kept);
  }
  return kept;
}

/** Keeps a manifest, its children, and what refers to any of them. */
function follow(
  start: Digest,
  facts: RepositoryFacts,
  known: ReadonlyMap<Digest, ManifestFacts>,
  kept: Set<Digest>,
): void {
  const queue = [start];
  const referrers = referrersOf(facts);
  for (let digest = queue.pop(); digest !== undefined; digest = queue.pop()) {
    const manifest = known.get(digest);
    if (manifest === undefined || kept.has(digest)) continue;
    kept.add(digest);
    queue.push(...manifest.children, ...(referrers.get(digest) ?? []));
  }
}

const cached = new WeakMap<RepositoryFacts, ReadonlyMap<Digest, readonly Digest[]>>();

function referrersOf(facts: RepositoryFacts): ReadonlyMap<Digest, readonly Digest[]> {
  const before = cached.get(facts);
  if (before !== undefined) return before;
  const found = new Map<Digest, Digest[]>();
  for (const { digest, subject } of facts.manifests) {
    if (subject === null) continue;
    found.set(subject, [...(found.get(subject) ?? []), digest]);
  }
  cached.set(facts, found);
  return found;
}
