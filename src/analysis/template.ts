import { analysisError } from './errors.ts';
import { matchersOf } from './selector.ts';

/** What stands for one side of a step in queries. */
export interface SideFacts {
  readonly members: readonly string[];
  readonly image: string;
  readonly selector?: string;
}

/** What the placeholders of a query stand for. */
export interface TemplateFacts {
  readonly workload: string;
  readonly namespace: string;
  readonly container: string;
  readonly weight: number;
  readonly before: SideFacts;
  readonly after: SideFacts;
}

export type Side = 'before' | 'after';

type Place = 'promql' | 'promql-string' | 'url';

const PLACEHOLDER = /\{\{\s*([A-Za-z.]*)\s*\}\}/g;
const PLAIN = ['workload', 'namespace', 'container', 'weight'] as const;
const OF_SIDE = ['members', 'selector', 'matchers', 'image', 'digest'] as const;
type Plain = (typeof PLAIN)[number];
type OfSide = (typeof OF_SIDE)[number];

/** A piece of a template: text as it is, or a placeholder with what it stands in. */
type Piece =
  | { readonly text: string }
  | {
      readonly name: Plain | OfSide;
      readonly side: Side | 'side' | undefined;
      readonly place: Place;
      readonly quote: string;
    };

/** A query or URL, taken apart and checked once. */
export interface Template {
  readonly pieces: readonly Piece[];
  /** It asks differently for each side. */
  readonly perSide: boolean;
}

const invalid = (text: string, why: string): Error =>
  analysisError('ANALYSIS_TEMPLATE_INVALID', `${JSON.stringify(text.slice(0, 200))}: ${why}`, {
    hint: `Known are ${PLAIN.map((name) => `{{${name}}}`).join(', ')} and, of side, before or after, {{side.${OF_SIDE.join('}}, {{side.')}}}.`,
  });

/** The quote that is open at the end of a piece of PromQL; '' outside of strings. @see https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals */
function quoteAfter(text: string, open: string): string {
  let quote = open;
  for (let i = 0; i < text.length; i += 1) {
    const letter = text[i] as string;
    if (quote === '') {
      if (letter === '#') {
        const end = text.indexOf('\n', i);
        i = end < 0 ? text.length : end;
      } else if (letter === '"' || letter === "'" || letter === '`') quote = letter;
    } else if (letter === '\\' && quote !== '`') i += 1;
    else if (letter === quote) quote = '';
  }
  return quote;
}

function pieceOf(text: string, name: string, place: Place, quote: string): Piece {
  const [first = '', second, ...more] = name.split('.');
  if (second === undefined && PLAIN.includes(first as Plain)) {
    if (place === 'promql' && first !== 'weight') throw invalid(text, `{{${name}}} stands outside of quotes`);
    return { name: first as Plain, side: undefined, place, quote };
  }
  const side = first === 'side' || first === 'before' || first === 'after' ? first : undefined;
  if (side === undefined || more.length > 0 || !OF_SIDE.includes(second as OfSide)) {
    throw invalid(text, `{{${name}}} is not known`);
  }
  const matchers = second === 'matchers';
  if (matchers && place !== 'promql')
    throw invalid(text, `{{${name}}} stands between the braces of PromQL, without quotes`);
  if (!matchers && place === 'promql') throw invalid(text, `{{${name}}} stands outside of quotes`);
  return { name: second as OfSide, side, place, quote };
}

/**
 * Takes a template apart. In PromQL, values may stand only inside '…' or "…", where they are escaped; in a URL only behind
 * the host, where they are encoded: nothing that a cluster or an engine answers can change what is asked.
 * @throws ANALYSIS_TEMPLATE_INVALID
 */
export function parseTemplate(text: string, language: 'promql' | 'url'): Template {
  const pieces: Piece[] = [];
  let at = 0;
  let quote = '';
  const hostEnd = language === 'url' ? (/^[a-z]+:\/\/[^/?#]*/i.exec(text)?.[0].length ?? text.length) : 0;
  const add = (until: number): void => {
    const plain = text.slice(at, until);
    if (/\{\{|\}\}/.test(plain)) throw invalid(text, 'has {{ or }} that belong to no placeholder');
    if (language === 'promql') quote = quoteAfter(plain, quote);
    if (plain !== '') pieces.push({ text: plain });
  };
  for (const match of text.matchAll(PLACEHOLDER)) {
    add(match.index);
    at = match.index + match[0].length;
    if (match.index < hostEnd) throw invalid(text, 'a placeholder stands in the host');
    if (quote === '`') throw invalid(text, 'a placeholder stands between backticks, where nothing can be escaped');
    const place = language === 'url' ? 'url' : quote === '' ? 'promql' : 'promql-string';
    pieces.push(pieceOf(text, match[1] as string, place, quote));
  }
  add(text.length);
  return { pieces, perSide: pieces.some((piece) => 'side' in piece && piece.side === 'side') };
}

/** RE2: what matches exactly one of these texts. */
const alternatives = (texts: readonly string[]): string =>
  texts.map((text) => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')).join('|');

const escaped = (text: string, quote: string): string =>
  text
    .replace(/[\\\n\r\0]/g, (letter) => ({ '\\': '\\\\', '\n': '\\n', '\r': '\\r' })[letter] ?? '\\x00')
    .replaceAll(quote, `\\${quote}`);

/** What a placeholder of a side stands for, not yet escaped; undefined where the runtime does not know it. */
function factOf(name: OfSide, facts: SideFacts, place: Place): string | undefined {
  switch (name) {
    case 'members':
      if (facts.members.length === 0) return undefined;
      return place === 'url' ? facts.members.join(',') : alternatives(facts.members);
    case 'selector':
      return facts.selector;
    case 'matchers':
      return facts.selector === undefined ? undefined : matchersOf(facts.selector);
    case 'image':
      return facts.image;
    default:
      return /@(sha256:[0-9a-f]{64})$/.exec(facts.image)?.[1];
  }
}

/** The text with all placeholders filled in for one side; a reason where the runtime does not know one of them. */
export function fillTemplate(
  { pieces }: Template,
  facts: TemplateFacts,
  side: Side,
): { readonly text: string } | { readonly missing: string } {
  let text = '';
  for (const piece of pieces) {
    if ('text' in piece) {
      text += piece.text;
      continue;
    }
    const of = piece.side === 'side' ? side : piece.side;
    const value =
      of === undefined ? String(facts[piece.name as Plain]) : factOf(piece.name as OfSide, facts[of], piece.place);
    if (value === undefined) return { missing: `the ${of} side has no ${piece.name} here` };
    if (piece.place === 'promql') text += value;
    else text += piece.place === 'url' ? encodeURIComponent(value) : escaped(value, piece.quote);
  }
  return { text };
}
