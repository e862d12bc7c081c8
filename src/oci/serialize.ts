/** Members of every object in the order of their names; `undefined` members are left out. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sorted(member)]));
}

/** JSON that is the same bytes for the same value, however the value was put together. */
export function serialize(value: object): Buffer {
  return Buffer.from(JSON.stringify(sorted(value)), 'utf8');
}
