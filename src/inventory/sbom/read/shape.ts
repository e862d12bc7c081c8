/** Looks at foreign JSON: what is not of the expected type is not there. */
export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const textAt = (value: JsonObject, key: string): string => {
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  return typeof found === 'string' ? found : '';
};

export const objectAt = (value: JsonObject, key: string): JsonObject | undefined => {
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  return isObject(found) ? found : undefined;
};

export const objectsAt = (value: JsonObject, key: string): readonly JsonObject[] => {
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  return Array.isArray(found) ? found.filter(isObject) : [];
};

export const textsAt = (value: JsonObject, key: string): readonly string[] => {
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  if (typeof found === 'string') return [found];
  return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : [];
};
