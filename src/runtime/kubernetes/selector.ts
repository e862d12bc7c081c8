import type { LabelSelector } from './objects.ts';

type Labels = Readonly<Record<string, string>>;

/** A label selector as the query parameter `labelSelector` spells it. */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const equal = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    switch (operator) {
      case 'Exists':
        return key;
      case 'DoesNotExist':
        return `!${key}`;
      default:
        return `${key} ${operator === 'NotIn' ? 'notin' : 'in'} (${values.join(',')})`;
    }
  });
  return [...equal, ...expressions].join(',');
}

/** True where the selector names at least one label and all it names are there: how a Service selects. */
export function selects(selector: Labels | undefined, labels: Labels): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

/** Whether a policy's selector looks at this label at all. An empty selector looks at none. */
export function looksAt({ matchLabels = {}, matchExpressions = [] }: LabelSelector, key: string): boolean {
  return key in matchLabels || matchExpressions.some((one) => one.key === key);
}
