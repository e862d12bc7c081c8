import { isRepositoryName } from '../../oci/index.ts';
import { accessError } from '../errors.ts';
import type { RepositoryAction } from './roles.ts';

/** One entry of a token's `access` claim. */
export interface ScopeAccess {
  readonly type: 'repository' | 'registry';
  readonly name: string;
  /** Sorted, each once. `*` stands for all actions of the type. */
  readonly actions: readonly string[];
}

/** Bytes of all scopes of one request; a mount asks for two. */
const MAX_SCOPE = 8_192;
const MAX_SCOPES = 64;
const ACTIONS = /^(?:[a-z]+|\*)?(?:,(?:[a-z]+|\*))*$/;
const TYPE = /^([a-z0-9]+)(?:\([a-z0-9]+\))?$/;

/**
 * Reads scopes, `repository:team/app:pull,push`, one parameter each or several with spaces between. Scopes of types
 * that we do not have are left out, as are actions: a token then grants less than was asked for.
 *
 * @see https://distribution.github.io/distribution/spec/auth/scope/
 * @throws ACCESS_SCOPE_INVALID
 */
export function parseScopes(parameters: readonly string[]): readonly ScopeAccess[] {
  const text = parameters.join(' ');
  const scopes = text.split(' ').filter((scope) => scope !== '');
  if (text.length > MAX_SCOPE || scopes.length > MAX_SCOPES) {
    throw accessError('ACCESS_SCOPE_INVALID', `a token may have at most ${MAX_SCOPES} scopes of ${MAX_SCOPE} bytes`);
  }
  const merged = new Map<string, { readonly scope: ScopeAccess; readonly actions: Set<string> }>();
  for (const scope of scopes.map(parseScope)) {
    if (scope === undefined) continue;
    const key = `${scope.type}:${scope.name}`;
    const entry = merged.get(key) ?? { scope, actions: new Set() };
    for (const action of scope.actions) entry.actions.add(action);
    merged.set(key, entry);
  }
  return [...merged.values()].map(({ scope, actions }) => ({ ...scope, actions: [...actions].sort() }));
}

/** Type and actions hold no colon, a name may (`host:port/name`): it is what lies between. */
function parseScope(scope: string): ScopeAccess | undefined {
  const first = scope.indexOf(':');
  const last = scope.lastIndexOf(':');
  const type = TYPE.exec(scope.slice(0, Math.max(first, 0)))?.[1];
  const actions = scope.slice(last + 1);
  if (first < 0 || first === last || type === undefined || !ACTIONS.test(actions)) {
    throw accessError('ACCESS_SCOPE_INVALID', `cannot read the scope ${JSON.stringify(scope.slice(0, 300))}`, {
      hint: 'Scopes look like repository:team/app:pull,push.',
    });
  }
  const name = scope.slice(first + 1, last);
  const known = type === 'repository' ? isRepositoryName(name) : type === 'registry' && name === 'catalog';
  if (!known) return undefined;
  return { type: type as ScopeAccess['type'], name, actions: actions.split(',').filter((action) => action !== '') };
}

/** The part of what was asked for that `allows` says yes to; entries with nothing left are left out. */
export function grantedPart(
  asked: readonly ScopeAccess[],
  allows: (repository: string, action: RepositoryAction) => boolean,
): readonly ScopeAccess[] {
  return asked.flatMap((scope) => {
    // Everybody may ask for the list of repositories: it shows each what they may pull.
    if (scope.type === 'registry') return [{ ...scope, actions: ['*'] }];
    const wanted = scope.actions.includes('*') ? ['delete', 'pull', 'push'] : scope.actions;
    const actions = wanted.filter((action) => isRepositoryAction(action) && allows(scope.name, action));
    return actions.length === 0 ? [] : [{ ...scope, actions }];
  });
}

const isRepositoryAction = (text: string): text is RepositoryAction => ['pull', 'push', 'delete'].includes(text);

export function scopeAllows(access: readonly ScopeAccess[], repository: string, action: RepositoryAction): boolean {
  return access.some(
    (scope) => scope.type === 'repository' && scope.name === repository && scope.actions.includes(action),
  );
}
