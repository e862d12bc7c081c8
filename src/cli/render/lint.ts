import type { LintProblem, LintSeverity } from '../../lint/index.ts';
import { renderTable } from './table.ts';

interface Linted {
  readonly subject: string;
  readonly problems: readonly LintProblem[];
}

export function renderLint({ subject, problems }: Linted): string {
  if (problems.length === 0) return `${subject}: nothing to say`;
  const rows = renderTable(problems, [
    { title: 'SEVERITY', value: ({ severity }) => severity },
    { title: 'RULE', value: ({ rule }) => rule },
    { title: 'WHERE', value: placeOf },
    { title: 'WHAT', value: ({ message }) => message },
  ]);
  return `${subject}\n${rows}`;
}

function placeOf({ line, path, layer }: LintProblem): string {
  if (line !== undefined) return `line ${line}`;
  if (path !== undefined) return `/${path}`;
  return layer === undefined ? '' : `layer ${layer.slice(7, 19)}`;
}

interface RuleRow {
  readonly id: string;
  readonly severity: LintSeverity;
  readonly of: string;
  readonly meaning: string;
}

export function renderRules(rules: readonly RuleRow[]): string {
  return renderTable(rules, [
    { title: 'RULE', value: ({ id }) => id },
    { title: 'SEVERITY', value: ({ severity }) => severity },
    { title: 'OF', value: ({ of }) => of },
    { title: 'MEANING', value: ({ meaning }) => meaning },
  ]);
}
