import { DOCKERFILE_RULES } from './dockerfile/lint-dockerfile.ts';
import { lintError } from './errors.ts';
import { IMAGE_RULES } from './image/lint-image.ts';

/** @throws LINT_RULE_UNKNOWN for a name that no rule has: a typing error would switch nothing off, unseen */
export function checkRuleNames(names: readonly string[]): ReadonlySet<string> {
  const known = new Set([...IMAGE_RULES, ...DOCKERFILE_RULES].map((rule) => rule.id));
  for (const name of names) {
    if (!known.has(name)) {
      throw lintError('LINT_RULE_UNKNOWN', `there is no rule ${JSON.stringify(name)}`, {
        hint: '`heraklit lint --rules` lists them.',
      });
    }
  }
  return new Set(names);
}
