import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { ValidateFunction } from 'ajv';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { packageFile } from '../base/index.ts';
import { recipeError } from './errors.ts';
import { type Problem, problemOf } from './problems.ts';

/** Bytes of one recipe or fleet file. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
/** Aliases resolved in all: what stops a "billion laughs" document. */
const MAX_ALIASES = 100;
const MAX_PROBLEMS_SHOWN = 10;

export type DocumentKind = 'recipe' | 'fleet' | 'tests' | 'compose';

const load = createRequire(import.meta.url);
const validators = new Map<DocumentKind, ValidateFunction>();

function validator(kind: DocumentKind): ValidateFunction {
  const known = validators.get(kind);
  const made = known ?? (kind === 'recipe' ? compiledAhead() : compileNow(kind));
  validators.set(kind, made);
  return made;
}

/** `npm run docs` writes it: compiling takes longer than many a build. */
const compiledAhead = (): ValidateFunction =>
  load(fileURLToPath(packageFile('schemas/recipe.validate.cjs'))) as ValidateFunction;

function compileNow(kind: DocumentKind): ValidateFunction {
  const { Ajv2020 } = load('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
  const file = kind === 'tests' ? 'fleet' : kind;
  const schema = JSON.parse(readFileSync(packageFile(`schemas/${file}.schema.json`), 'utf8')) as { $defs?: object };
  const compiler = new Ajv2020({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true });
  // A file of tests holds what a fleet file may hold under `verify`.
  return compiler.compile(kind === 'tests' ? { $defs: schema.$defs, $ref: '#/$defs/tests' } : schema);
}

/**
 * YAML 1.2 text → value that its schema accepts and `check` finds nothing wrong with.
 * @param file name for messages
 * @throws RECIPE_INVALID naming file, line, column, path and the expected form
 */
export function readDocument<T>(
  text: string,
  file: string,
  kind: DocumentKind,
  check: (value: T) => readonly Problem[],
): T {
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) {
    throw recipeError('RECIPE_INVALID', `${file} is larger than ${MAX_DOCUMENT_BYTES} bytes`);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    version: '1.2',
    strict: true,
    uniqueKeys: true,
    merge: kind === 'compose',
  });
  const broken = document.errors[0];
  if (broken !== undefined) {
    const { line, col } = lines.linePos(broken.pos[0]);
    const what = broken.message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? 'not YAML';
    throw recipeError('RECIPE_INVALID', `${file}:${line}:${col}: ${what}`, { hint: 'The file must be YAML 1.2.' });
  }
  const value = toValue(document, file);
  const validate = validator(kind);
  const problems = validate(value)
    ? check(value as T)
    : (validate.errors ?? [])
        .filter((error) => error.schemaPath.indexOf('propertyNames/') < 0)
        .map((error) => problemOf(error, value));
  if (problems.length === 0) return value as T;
  throw invalid(problems, file, document, lines);
}

function toValue(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw recipeError('RECIPE_INVALID', `${file}: too many YAML aliases`, { cause: error });
  }
}

function invalid(problems: readonly Problem[], file: string, document: Document, lines: LineCounter): Error {
  const located = problems.map((problem) => {
    const { line, col } = lines.linePos(offsetOf(document, problem));
    return { line, column: col, path: pathText(problem.path), message: problem.message };
  });
  located.sort((a, b) => a.line - b.line || a.column - b.column);
  const shown = located
    .slice(0, MAX_PROBLEMS_SHOWN)
    .map((at) => `${file}:${at.line}:${at.column}: ${at.path}: ${at.message}`);
  const more = located.length > shown.length ? [`… and ${located.length - shown.length} more`] : [];
  return recipeError('RECIPE_INVALID', [...shown, ...more].join('\n'), {
    hint: 'The form is described by schemas/recipe.schema.json and schemas/fleet.schema.json.',
    details: { file, problems: located },
  });
}

const pathText = (path: readonly (string | number)[]): string =>
  path.length === 0
    ? '(document)'
    : path
        .map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`))
        .join('')
        .replace(/^\./, '');

/** Where a problem stands in the text; the nearest parent that has a place when the value itself has none. */
function offsetOf(document: Document, problem: Problem): number {
  if (problem.atKey) {
    const parent = problem.path.length === 1 ? document.contents : document.getIn(problem.path.slice(0, -1), true);
    const key = problem.path.at(-1);
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key))
      : undefined;
    if (isScalar(pair?.key) && pair.key.range) return pair.key.range[0];
  }
  for (let length = problem.path.length; length >= 0; length -= 1) {
    const node: unknown = length === 0 ? document.contents : document.getIn(problem.path.slice(0, length), true);
    const range = (node as { readonly range?: readonly number[] | null } | null | undefined)?.range;
    if (range?.[0] !== undefined) return range[0];
  }
  return 0;
}
