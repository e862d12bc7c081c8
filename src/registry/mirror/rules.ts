import { isRepositoryName } from '../../oci/index.ts';
import { registryError } from '../errors.ts';

/** Repositories below `prefix` mirror an upstream registry. */
export interface MirrorRule {
  /** First parts of a repository name here: `hub` makes `hub/library/debian` a mirror. */
  readonly prefix: string;
  /** `HOST[:PORT][/PREFIX]` */
  readonly upstream: string;
  /** Milliseconds for which a tag is served without asking upstream again. */
  readonly maxAge?: number;
  /** Upstream's certificate need not verify, and it may speak plain HTTP. */
  readonly insecure?: boolean;
}

export const DEFAULT_MAX_AGE = 300_000;

export interface MirrorTarget {
  readonly rule: MirrorRule;
  readonly registry: string;
  /** What the repository is called there. */
  readonly repository: string;
}

const UPSTREAM = /^([^/\s]+)(?:\/(.+))?$/;

function splitUpstream(upstream: string): { readonly registry: string; readonly path: string } {
  const [, registry = '', path = ''] = UPSTREAM.exec(upstream) ?? [];
  return { registry, path };
}

/** @throws REGISTRY_MIRROR_INVALID */
export function checkMirrorRules(rules: readonly MirrorRule[]): void {
  const refuse = (why: string): never => {
    throw registryError('REGISTRY_MIRROR_INVALID', why, {
      hint: 'A mirror is a PREFIX of repository names here and HOST[:PORT][/PREFIX] of a registry there.',
    });
  };
  for (const { prefix, upstream } of rules) {
    const { registry, path } = splitUpstream(upstream);
    if (!isRepositoryName(prefix)) refuse(`${JSON.stringify(prefix)} begins no repository name`);
    if (!URL.canParse(`https://${registry}/`) || registry.includes('@')) {
      refuse(`${JSON.stringify(upstream)} names no registry to mirror`);
    }
    if (path !== '' && !isRepositoryName(path)) refuse(`${JSON.stringify(path)} begins no repository name`);
    if (rules.filter((other) => other.prefix === prefix).length > 1) refuse(`${prefix} mirrors two registries`);
  }
}

/** Where a repository comes from: by the longest prefix; undefined for one of our own. */
export function mirrorTarget(rules: readonly MirrorRule[], repository: string): MirrorTarget | undefined {
  const [rule] = rules
    .filter(({ prefix }) => repository.startsWith(`${prefix}/`))
    .sort((a, b) => b.prefix.length - a.prefix.length);
  if (rule === undefined) return undefined;
  const { registry, path } = splitUpstream(rule.upstream);
  const rest = repository.slice(rule.prefix.length + 1);
  return { rule, registry, repository: path === '' ? rest : `${path}/${rest}` };
}

/** `PREFIX=HOST[:PORT][/PREFIX]`, as the command line has it. @throws REGISTRY_MIRROR_INVALID */
export function parseMirrorRule(text: string): MirrorRule {
  const equals = text.indexOf('=');
  const rule = { prefix: text.slice(0, Math.max(equals, 0)), upstream: text.slice(equals + 1) };
  checkMirrorRules([rule]);
  return rule;
}
