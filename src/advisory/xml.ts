import { SaxesParser } from 'saxes';
import { isHeraklitError, messageOf } from '../base/index.ts';
import { invalid, MAX_ATTRIBUTES, MAX_DEPTH, MAX_STREAM_BYTES, MAX_TEXT, overLimit } from './limits.ts';
import type { Bytes } from './types.ts';

export type XmlAttributes = Readonly<Record<string, string>>;

/** What a reader hears, synchronously. Names come without their prefix: documents choose those freely. */
export interface XmlHandler {
  /** @param path names of the elements around it, outermost first */
  open(name: string, attributes: XmlAttributes, path: readonly string[]): void;
  /** @param text all character data directly within the element, trimmed */
  close(name: string, text: string, path: readonly string[]): void;
}

const local = (name: string): string => name.slice(name.indexOf(':') + 1);

/** Bytes between two tags: text, a comment or an attribute's value that never ends. */
const MAX_QUIET = 8 * 1024 * 1024;

/**
 * Streams an XML document; comes up after each chunk, so that the caller hands on what the handler gathered. A document type is refused: advisories need none, and entities are how XML bombs are made.
 * @throws ADVISORY_INVALID, ADVISORY_LIMIT
 */
export async function* readXml(bytes: Bytes, what: string, handler: XmlHandler): AsyncGenerator<void, void> {
  const parser = new SaxesParser({ xmlns: false, position: true });
  const path: string[] = [];
  const texts: string[] = [];
  const fail = (error: unknown): never => {
    throw error;
  };
  parser.on('error', (error) => fail(invalid(what, `is not well-formed XML: ${messageOf(error)}`, error)));
  parser.on('doctype', () => fail(invalid(what, 'has a document type declaration, which is refused')));
  let quiet = 0;
  parser.on('opentag', (tag) => {
    quiet = 0;
    const name = local(tag.name);
    const names = Object.entries(tag.attributes);
    if (names.length > MAX_ATTRIBUTES) throw overLimit(what, 'attributes of one element', MAX_ATTRIBUTES);
    const attributes: XmlAttributes = Object.fromEntries(names.map(([key, value]) => [local(key), String(value)]));
    handler.open(name, attributes, path);
    path.push(name);
    texts.push('');
    if (path.length > MAX_DEPTH) throw overLimit(what, 'nesting', MAX_DEPTH);
  });
  const addText = (text: string): void => {
    const at = texts.length - 1;
    if (at < 0) return;
    texts[at] = `${texts[at]}${text}`;
    if ((texts[at] as string).length > MAX_TEXT) throw overLimit(what, 'text of one element', MAX_TEXT);
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', (tag) => {
    quiet = 0;
    path.pop();
    handler.close(local(tag.name), (texts.pop() ?? '').trim(), path);
  });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let size = 0;
  try {
    for await (const chunk of bytes) {
      size += chunk.length;
      if (size > MAX_STREAM_BYTES) throw overLimit(what, 'the document (bytes)', MAX_STREAM_BYTES);
      quiet += chunk.length;
      if (quiet > MAX_QUIET) throw overLimit(what, 'bytes between two tags', MAX_QUIET);
      parser.write(decoder.decode(chunk, { stream: true }));
      yield;
    }
    parser.write(decoder.decode());
    parser.close();
    yield;
  } catch (error) {
    if (isHeraklitError(error) || !(error instanceof TypeError)) throw error;
    throw invalid(what, 'is not UTF-8', error);
  }
}
