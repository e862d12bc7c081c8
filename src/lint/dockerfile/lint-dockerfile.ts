import { type LintProblem, type LintRule, runRules } from '../types.ts';
import { RUN_RULES } from './run-rules.ts';
import { STRUCTURE_RULES } from './structure-rules.ts';
import { type DockerfileSubject, lineOf, readDockerfile } from './subject.ts';

export const DOCKERFILE_RULES: readonly LintRule<DockerfileSubject>[] = [...STRUCTURE_RULES, ...RUN_RULES];

const IGNORE = /^heraklit ignore=([a-z0-9, -]+)$/;

/**
 * What is questionable about a Dockerfile. A comment `# heraklit ignore=RULE,RULE` in front of an instruction keeps
 * those rules from it.
 * @throws LINT_DOCKERFILE_UNREADABLE
 */
export function lintDockerfile(text: string, ignored: ReadonlySet<string> = new Set()): readonly LintProblem[] {
  const subject = readDockerfile(text);
  const allowed = allowances(subject);
  return runRules(DOCKERFILE_RULES, subject, ignored).filter(
    ({ rule, line }) => line === undefined || allowed.get(line)?.has(rule) !== true,
  );
}

/** Line of an instruction → rules that a comment right before it switches off. */
function allowances({ file, instructions }: DockerfileSubject): ReadonlyMap<number, ReadonlySet<string>> {
  const lines = instructions.map(lineOf).sort((a, b) => a - b);
  const allowed = new Map<number, Set<string>>();
  for (const comment of file.getComments()) {
    const rules = IGNORE.exec(comment.getContent().trim())?.[1]?.split(/[\s,]+/) ?? [];
    const line = lines.find((one) => one > comment.getRange().start.line + 1);
    if (line === undefined || rules.length === 0) continue;
    allowed.set(line, new Set([...(allowed.get(line) ?? []), ...rules]));
  }
  return allowed;
}
