import { cleanAliases, cleanId, cleanName, isCve } from './clean.ts';
import { distributionOf } from './ecosystem.ts';
import { type Json, listOf, readObject, record, recordsOf, textOf } from './json-document.ts';
import { invalid } from './limits.ts';
import type { Advisory, AffectedPackage, Bytes, ReadOptions } from './types.ts';

/**
 * Alpine's secdb (https://secdb.alpinelinux.org): per repository, which version of a source package (`origin`) fixed
 * which ids. One advisory an id; version `0` means that no version had it.
 */
export async function* readSecdb(bytes: Bytes, options: ReadOptions): AsyncGenerator<Advisory, void> {
  const document = await readObject(bytes, options.what);
  const ecosystem = options.distribution ?? distributionOfSecdb(document);
  if (ecosystem === undefined || !Array.isArray(document.packages)) throw invalid(options.what, 'is no secdb document');
  const byId = new Map<string, { aliases: Set<string>; affected: AffectedPackage[] }>();
  for (const item of recordsOf(document.packages)) {
    const pkg = record(item.pkg);
    const name = cleanName(pkg?.name);
    const fixes = record(pkg?.secfixes);
    if (name === undefined || fixes === undefined) {
      options.onProblem?.('a package without name or secfixes');
      continue;
    }
    for (const { fixed, names } of issuesOf(name, fixes, options)) {
      const id = (names.find(isCve) ?? names[0]) as string;
      const known = byId.get(id) ?? { aliases: new Set(), affected: [] };
      byId.set(id, known);
      for (const other of names) known.aliases.add(other);
      known.affected.push(affectedBy(ecosystem, name, fixed));
    }
  }
  for (const [id, { aliases, affected }] of byId) {
    yield {
      ...{ id, aliases: cleanAliases(aliases, id), severity: undefined, score: undefined, summary: '' },
      ...{ published: undefined, modified: undefined, withdrawn: undefined },
      urls: isCve(id) ? [`https://security.alpinelinux.org/vuln/${id}`] : [],
      affected,
    };
  }
}

interface Issue {
  readonly fixed: string;
  /** One at least. */
  readonly names: readonly string[];
}

/** `CVE-2017-2616 CVE-2017-2617`, `CVE-2019-14697 XSA-123`: names of one issue in one string. */
function* issuesOf(name: string, fixes: Json, options: ReadOptions): Generator<Issue, void> {
  for (const [version, ids] of Object.entries(fixes)) {
    const fixed = cleanName(version);
    for (const words of fixed === undefined ? [] : listOf(ids)) {
      const names = (textOf(words) ?? '').split(/[\s,]+/).flatMap((word) => cleanId(word) ?? []);
      if (names.length > 0) yield { fixed: fixed as string, names };
      else options.onProblem?.(`${name} ${version}: ${JSON.stringify(textOf(words)?.slice(0, 80))} is no id`);
    }
  }
}

function affectedBy(ecosystem: string, name: string, fixed: string): AffectedPackage {
  const shared = { ecosystem, kind: 'source', name } as const;
  return fixed === '0'
    ? { ...shared, status: 'not_affected', justification: 'vulnerable_code_not_present' }
    : { ...shared, status: 'fixed', fixed };
}

/** `v3.20`, `edge`; Wolfi and Chainguard write theirs in the same form, without a version. */
function distributionOfSecdb(document: Readonly<Record<string, unknown>>): string | undefined {
  const version = textOf(document.distroversion);
  if (version !== undefined) return distributionOf('alpine', version);
  const prefix = textOf(document.urlprefix) ?? '';
  return /wolfi/.test(prefix) ? 'wolfi/rolling' : /chainguard/.test(prefix) ? 'chainguard/rolling' : undefined;
}
