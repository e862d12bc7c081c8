import { isHeraklitError, messageOf } from '../../base/index.ts';
import { distroError } from '../errors.ts';

export type XmlAttributes = Readonly<Record<string, string>>;

/** Hears the elements of a document by their names without prefix. */
export interface XmlHandler {
  /** @param depth elements around it: 0 for the root */
  open(name: string, attributes: XmlAttributes, depth: number): void;
  /** @param text characters directly within the element, trimmed */
  close(name: string, text: string, depth: number): void;
}

/** rpm-md has five levels. */
const MAX_DEPTH = 16;
/** Characters within one element: descriptions have some 10,000. */
const MAX_TEXT = 1024 * 1024;
const MAX_ATTRIBUTES = 32;
/** Characters handed to the parser at once. */
const SLICE = 1024 * 1024;

const local = (name: string): string => name.slice(name.indexOf(':') + 1);

const invalid = (what: string, why: string, cause?: unknown): Error =>
  distroError('DISTRO_INDEX_INVALID', `${what} ${why}`, {
    hint: 'The mirror is broken or in the middle of an update: try again, or name another mirror.',
    ...(cause === undefined ? {} : { cause }),
  });

/**
 * Walks an XML document in memory. A document type is refused: rpm-md has none, and entities are how XML bombs are made.
 * Text is gathered only within elements that `keeps` names.
 *
 * @throws DISTRO_INDEX_INVALID
 */
export async function walkXml(
  bytes: Uint8Array,
  what: string,
  keeps: ReadonlySet<string>,
  handler: XmlHandler,
): Promise<void> {
  const { SaxesParser } = await import('saxes');
  const parser = new SaxesParser({ xmlns: false, position: false });
  let depth = 0;
  let text = '';
  let keeping = false;
  const refuse = (why: string, cause?: unknown): never => {
    throw invalid(what, why, cause);
  };
  parser.on('error', (error) => refuse(`is not well-formed XML: ${messageOf(error)}`, error));
  parser.on('doctype', () => refuse('has a document type declaration'));
  parser.on('opentag', (tag) => {
    const name = local(tag.name);
    const attributes: Record<string, string> = {};
    let count = 0;
    for (const key in tag.attributes) {
      count += 1;
      attributes[local(key)] = String(tag.attributes[key]);
    }
    if (count > MAX_ATTRIBUTES) refuse(`has an element of ${count} attributes`);
    handler.open(name, attributes, depth);
    depth += 1;
    if (depth > MAX_DEPTH) refuse(`is nested deeper than ${MAX_DEPTH}`);
    text = '';
    keeping = keeps.has(name);
  });
  const gather = (more: string): void => {
    if (!keeping) return;
    text += more;
    if (text.length > MAX_TEXT) refuse(`has an element with more than ${MAX_TEXT} characters`);
  };
  parser.on('text', gather);
  parser.on('cdata', gather);
  parser.on('closetag', (tag) => {
    depth -= 1;
    handler.close(local(tag.name), text.trim(), depth);
    text = '';
    keeping = false;
  });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for (let at = 0; at < bytes.length; at += SLICE) {
      parser.write(decoder.decode(bytes.subarray(at, at + SLICE), { stream: true }));
    }
    parser.write(decoder.decode());
    parser.close();
  } catch (error) {
    if (isHeraklitError(error)) throw error;
    throw invalid(what, `cannot be read: ${messageOf(error)}`, error);
  }
}
