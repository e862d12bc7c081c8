/**
 * `Field: value` lines up to the first empty one, as METADATA, PKG-INFO and DESCRIPTION have them (RFC 822, folded
 * lines left out); names in lower case, the first of several counts.
 */
export function headerFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  const end = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
  for (const line of text.slice(0, end).split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon <= 0 || line[0] === ' ' || line[0] === '\t') continue;
    const name = line.slice(0, colon).toLowerCase();
    if (!fields.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}
