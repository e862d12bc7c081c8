import { stringify } from 'yaml';
import type { Lock } from './lock-form.ts';

/** Text without anything that YAML gives a meaning to. */
const PLAIN = /^[a-z0-9](?:[a-z0-9._/+~:-]*[a-z0-9._/+~-])?$/i;
/** But what reads as something else (YAML 1.2 core schema, and the words of YAML 1.1). */
const OTHER =
  /^(?:[0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]+)?|0o[0-7]+|0x[0-9a-f]+|true|false|null|yes|no|on|off|y|n|[0-9_:.-]+)$/i;
const NUMBER = /^(?:0|[1-9][0-9]*)$/;
/** As the library quotes what is not plain, without escapes. */
const QUOTED = /^"([^"\\\t]*)"$/;

const isPlain = (text: string): boolean => PLAIN.test(text) && !OTHER.test(text);

/** Everything else is written as the YAML library does. */
function scalar(value: string | number): string {
  if (typeof value === 'number') return String(value);
  return isPlain(value) ? value : stringify({ value }, { lineWidth: 0 }).slice('value: '.length).trimEnd();
}

const written = new WeakMap<Lock, string>();

/** A lock in block style, as the YAML library would write it but without its cost for a thousand lines. */
export function lockText(lock: Lock): string {
  const known = written.get(lock);
  if (known !== undefined) return known;
  const { apiVersion, kind, recipe, distribution, architecture, base, epoch } = lock;
  const lines = Object.entries({ apiVersion, kind, recipe, distribution, architecture }).map(
    ([key, value]) => `${key}: ${scalar(value)}`,
  );
  if (base !== undefined) lines.push('base:', `  name: ${scalar(base.name)}`, `  digest: ${scalar(base.digest)}`);
  lines.push(`epoch: ${scalar(epoch)}`);
  const { asks } = lock;
  if (asks !== undefined) lines.push(...(asks.length === 0 ? ['asks: []'] : ['asks:', ...asks.map(asked)]));
  lines.push(
    ...list(
      'repositories',
      lock.repositories.map(({ id, suite, date, release }) => ({ id, suite, date, release })),
    ),
    ...list(
      'packages',
      lock.packages.map(({ name, version, architecture, source, repository, filename, size, sha256, identity }) => ({
        ...{ name, version, architecture, source, repository, filename, size, sha256 },
        ...(identity === undefined ? {} : { identity }),
      })),
    ),
  );
  const text = `${lines.join('\n')}\n`;
  written.set(lock, text);
  return text;
}

const asked = (text: string): string => `  - ${scalar(text)}`;

function list(key: string, items: readonly Readonly<Record<string, string | number>>[]): readonly string[] {
  if (items.length === 0) return [`${key}: []`];
  const lines = items.flatMap((item) =>
    Object.entries(item).map(([name, value], index) => `${index === 0 ? '  - ' : '    '}${name}: ${scalar(value)}`),
  );
  return [`${key}:`, ...lines];
}

type Fields = Record<string, unknown>;
const LINE = /^( {2}- | {4}| {2}|)([a-zA-Z0-9]+):(?: (.*))?$/;
const LISTS = ['repositories', 'packages'];

/**
 * Reads what `lockText` wrote; undefined for anything else, however slight the difference: then the YAML library decides.
 * Reads loosely, and holds what it read, written again, against the text.
 */
export function readLockText(text: string): Lock | undefined {
  const root: Fields = {};
  let fields = root;
  for (const line of text.split('\n').slice(0, -1)) {
    if (tookAsk(root, line)) continue;
    const [, indent, key = '', value] = LINE.exec(line) ?? [];
    if (indent === undefined || (indent === '  - ' && value === undefined)) return undefined;
    const list = root[LISTS.findLast((name) => Array.isArray(root[name])) ?? ''] as Fields[] | undefined;
    if (indent === '  - ') {
      fields = {};
      list?.push(fields);
    } else if (indent === '') fields = root;
    if (value !== undefined) fields[key] = readScalar(value);
    else {
      const below: Fields = {};
      root[key] = LISTS.includes(key) || key === 'asks' ? [] : below;
      fields = below;
    }
  }
  return isComplete(root) && lockText(root) === text ? root : undefined;
}

/** Lines of the one list that holds texts. */
function tookAsk(root: Fields, line: string): boolean {
  const isAsk = Array.isArray(root.asks) && root.repositories === undefined && line.startsWith('  - ');
  if (isAsk) (root.asks as unknown[]).push(readScalar(line.slice(4)));
  return isAsk;
}

const isComplete = (root: Fields): root is Fields & Lock => LISTS.every((name) => Array.isArray(root[name]));

function readScalar(text: string): unknown {
  if (text === '[]') return [];
  if (NUMBER.test(text)) return Number(text);
  return QUOTED.exec(text)?.[1] ?? text;
}
