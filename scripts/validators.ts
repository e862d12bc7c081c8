import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';

/** Documents whose schema is compiled ahead: compiling takes longer than an incremental build. */
export const COMPILED_SCHEMAS = ['recipe'] as const;

const HEADER = '// Written by `npm run docs` from the schema of the same name.\n';

/** CommonJS source of a schema's validator. */
export function renderValidator(name: (typeof COMPILED_SCHEMAS)[number]): string {
  const file = new URL(`../schemas/${name}.schema.json`, import.meta.url);
  const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: true, code: { source: true, optimize: true } });
  return `${HEADER}${standalone.default(ajv, ajv.compile(JSON.parse(readFileSync(file, 'utf8')) as object))}\n`;
}
