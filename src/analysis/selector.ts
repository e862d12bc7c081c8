/** One requirement of a Kubernetes label selector. */
const REQUIREMENT =
  /^\s*(?:(!)\s*([\w./-]+)|([\w./-]+)\s*(?:(==|=|!=)\s*([\w.-]*)|\s(in|notin)\s*\(([\w\s.,-]*)\))?)\s*$/;

/** Prometheus' label of a Kubernetes label: everything but letters, digits and `_` becomes `_`, as its `labelmap` does. */
const labelName = (key: string): string => key.replace(/[^A-Za-z0-9_]/g, '_');

/** Commas between requirements, not those inside `(…)`. */
const requirements = (selector: string): readonly string[] => selector.split(/,(?![^(]*\))/);

/**
 * A label selector as label matchers of PromQL, without braces.
 * @returns undefined for what is no selector
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export function matchersOf(selector: string): string | undefined {
  const matchers: string[] = [];
  for (const text of requirements(selector)) {
    const match = REQUIREMENT.exec(text);
    if (match === null) return undefined;
    const [, absent, absentKey, key, operator, value, set, values] = match;
    if (absent !== undefined) matchers.push(`${labelName(absentKey as string)}=""`);
    else if (set !== undefined) {
      const listed = (values as string).split(',').map((one) => one.trim().replaceAll('.', '\\\\.'));
      matchers.push(`${labelName(key as string)}${set === 'in' ? '=~' : '!~'}"${listed.join('|')}"`);
    } else if (operator === undefined) matchers.push(`${labelName(key as string)}!=""`);
    else matchers.push(`${labelName(key as string)}${operator === '!=' ? '!=' : '='}"${value}"`);
  }
  return matchers.join(',');
}
