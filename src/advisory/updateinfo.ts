import { cleanAliases, cleanDate, cleanId, cleanName, cleanSeverity, cleanText, cleanUrls } from './clean.ts';
import { advisoryError } from './errors.ts';
import { MAX_AFFECTED, overLimit } from './limits.ts';
import type { Advisory, AffectedPackage, Bytes, ReadOptions } from './types.ts';
import { readXml, type XmlAttributes } from './xml.ts';

interface Draft {
  id: string | undefined;
  type: string;
  retracted: boolean;
  title: string;
  severity: string;
  issued: string | undefined;
  updated: string | undefined;
  readonly references: unknown[];
  readonly urls: unknown[];
  readonly packages: Map<string, AffectedPackage>;
}

/**
 * rpm-md's updateinfo (dnf's and zypp's reading of it): one advisory an update, whose packages are the fixed ones.
 * The file stands in a repository and does not name its distribution: `options.distribution` does.
 *
 * @throws ADVISORY_DISTRIBUTION_NEEDED, ADVISORY_INVALID, ADVISORY_LIMIT
 */
export async function* readUpdateInfo(bytes: Bytes, options: ReadOptions): AsyncGenerator<Advisory, void> {
  const { distribution } = options;
  if (distribution === undefined) {
    throw advisoryError(
      'ADVISORY_DISTRIBUTION_NEEDED',
      `${options.what}: updateinfo does not say which distribution it is for`,
      {
        hint: 'Name it, for example --distribution rocky/9.',
      },
    );
  }
  const ready: Advisory[] = [];
  let draft: Draft | undefined;
  const chunks = readXml(bytes, options.what, {
    open: (name, attributes, path) => {
      if (name === 'update' && path.length === 1) draft = newDraft(attributes);
      else if (draft !== undefined) openElement(draft, name, attributes, path, distribution, options.what);
    },
    close: (name, text, path) => {
      if (draft === undefined) return;
      if (name === 'update' && path.length === 1) {
        const advisory = finish(draft);
        if (advisory === undefined) options.onProblem?.('an update without an id');
        // Bug fixes and new features explain no risk.
        else if (draft.type === 'security' || draft.references.length > 0) ready.push(advisory);
        draft = undefined;
      } else if (path.length === 2) closeElement(draft, name, text);
    },
  });
  for await (const _ of chunks) yield* ready.splice(0);
}

const newDraft = (attributes: XmlAttributes): Draft => ({
  id: undefined,
  type: attributes.type ?? '',
  retracted: attributes.status === 'retracted',
  title: '',
  severity: '',
  issued: undefined,
  updated: undefined,
  references: [],
  urls: [],
  packages: new Map(),
});

function openElement(
  draft: Draft,
  name: string,
  attributes: XmlAttributes,
  path: readonly string[],
  ecosystem: string,
  what: string,
): void {
  if (name === 'issued') draft.issued = cleanDate(attributes.date);
  else if (name === 'updated') draft.updated = cleanDate(attributes.date);
  else if (name === 'reference') {
    draft.urls.push(attributes.href);
    // SUSE lists bug reports beside the CVE ids; only the latter name the issue itself.
    if (attributes.type === 'cve') draft.references.push(attributes.id);
    if (draft.references.length > MAX_AFFECTED) throw overLimit(what, 'references of one update', MAX_AFFECTED);
  } else if (name === 'package' && path.includes('pkglist')) {
    const pkg = packageOf(attributes, ecosystem);
    // The same package stands there once for each architecture.
    if (pkg !== undefined) draft.packages.set(`${pkg.kind} ${pkg.name} ${pkg.fixed}`, pkg);
    if (draft.packages.size > MAX_AFFECTED) throw overLimit(what, 'packages of one update', MAX_AFFECTED);
  }
}

function packageOf(attributes: XmlAttributes, ecosystem: string): AffectedPackage | undefined {
  const name = cleanName(attributes.name);
  const version = cleanName(attributes.version);
  if (name === undefined || version === undefined) return undefined;
  const epoch = /^[1-9]\d*$/.test(attributes.epoch ?? '') ? `${attributes.epoch}:` : '';
  const release = cleanName(attributes.release);
  const kind = attributes.arch === 'src' || attributes.arch === 'nosrc' ? 'source' : 'binary';
  return {
    ecosystem,
    kind,
    name,
    status: 'fixed',
    fixed: `${epoch}${version}${release === undefined ? '' : `-${release}`}`,
  };
}

function closeElement(draft: Draft, name: string, text: string): void {
  if (name === 'id') draft.id = cleanId(text);
  else if (name === 'title') draft.title = cleanText(text);
  else if (name === 'severity') draft.severity = text;
}

function finish(draft: Draft): Advisory | undefined {
  const { id } = draft;
  if (id === undefined) return undefined;
  return {
    id,
    aliases: cleanAliases(draft.references, id),
    severity: cleanSeverity(draft.severity),
    score: undefined,
    summary: draft.title === '' ? draft.type : draft.title,
    published: draft.issued,
    modified: draft.updated,
    withdrawn: draft.retracted ? (draft.updated ?? draft.issued ?? new Date(0).toISOString()) : undefined,
    urls: cleanUrls(draft.urls),
    affected: [...draft.packages.values()],
  };
}
