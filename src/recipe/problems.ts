import type { ErrorObject } from 'ajv';
import { nearest } from './nearest.ts';

/** One thing wrong with a document, not yet located in its text. */
export interface Problem {
  /** Keys and indexes from the root to the value meant. */
  readonly path: readonly (string | number)[];
  /** True when the last part of `path` is a key that should not be there: point at the key, not at its value. */
  readonly atKey: boolean;
  readonly message: string;
}

interface Described {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** What a validation error means to the author of the document. */
export function problemOf(error: ErrorObject, document: unknown): Problem {
  const path = pointerParts(error.instancePath, document);
  const parameters = error.params as Readonly<Record<string, unknown>>;
  const schema = (error.parentSchema ?? {}) as Described;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(parameters.additionalProperty);
      const known = Object.keys(schema.properties ?? {});
      const near = nearest(key, known);
      const advice = near === undefined ? `known keys: ${known.join(', ')}` : `did you mean ${JSON.stringify(near)}?`;
      return { path: [...path, key], atKey: true, message: `unknown key ${JSON.stringify(key)}; ${advice}` };
    }
    case 'propertyNames':
      return {
        path: [...path, String(parameters.propertyName)],
        atKey: true,
        message: `${JSON.stringify(parameters.propertyName)} cannot be a key here`,
      };
    case 'required':
      return { path, atKey: false, message: `the key ${JSON.stringify(parameters.missingProperty)} is missing` };
    case 'const':
      return { path, atKey: false, message: `expected ${JSON.stringify(parameters.allowedValue)}` };
    case 'enum': {
      const allowed = (parameters.allowedValues as readonly unknown[]).map(String);
      return { path, atKey: false, message: `expected one of ${allowed.join(', ')}` };
    }
    default: {
      const form = schema.description ?? (error.keyword === 'type' ? `a value of type ${parameters.type}` : undefined);
      return { path, atKey: false, message: form === undefined ? `${error.message}` : `expected ${form}` };
    }
  }
}

/** JSON pointer → keys and indexes; a part is an index only where the document has a list. */
function pointerParts(pointer: string, document: unknown): (string | number)[] {
  let value = document;
  return pointer
    .split('/')
    .slice(1)
    .map((raw) => {
      const part = raw.replaceAll('~1', '/').replaceAll('~0', '~');
      const key = Array.isArray(value) ? Number(part) : part;
      value = (value as Readonly<Record<string, unknown>> | undefined)?.[key];
      return key;
    });
}
