import { advisoryError } from './errors.ts';
import type { AdvisoryType } from './types.ts';

/** A type, and the form its documents come in where there are several. */
export interface Detected {
  readonly type: AdvisoryType;
  readonly form: 'document' | 'list' | 'lines';
}

/** Bytes of a document that are enough to tell what it is. */
export const DETECT_BYTES = 64 * 1024;

/**
 * Tells a document's format from its beginning.
 * @throws ADVISORY_TYPE_UNKNOWN
 */
export function detectType(head: Uint8Array, what: string): Detected {
  const text = new TextDecoder('utf-8')
    .decode(head.subarray(0, DETECT_BYTES))
    .replace(/^\uFEFF/, '')
    .trimStart();
  const found = text.startsWith('<') ? detectXml(text) : detectJson(text);
  if (found !== undefined) return found;
  throw advisoryError('ADVISORY_TYPE_UNKNOWN', `${what} is in no format of advisories that is known`, {
    hint: 'Say what it is with --type: debian-tracker, secdb, osv, csaf, openvex, oval or updateinfo.',
  });
}

function detectXml(text: string): Detected | undefined {
  const root = /<(?![?!])(?:[\w.-]+:)?([\w.-]+)/.exec(text.replace(/<!--[\s\S]*?-->/g, ''))?.[1];
  if (root === 'oval_definitions') return { type: 'oval', form: 'document' };
  return root === 'updates' ? { type: 'updateinfo', form: 'document' } : undefined;
}

function detectJson(text: string): Detected | undefined {
  if (/^\[\s*\{/.test(text)) return hasOsv(text) ? { type: 'osv', form: 'list' } : undefined;
  if (!text.startsWith('{')) return undefined;
  const keys = outerKeys(text);
  // One object a line: what follows the first line's end is another.
  const line = text.split('\n', 1)[0] ?? '';
  if (isJson(line) && /\}\s*\{/.test(text.slice(line.length - 1)) && hasOsv(line))
    return { type: 'osv', form: 'lines' };
  if (/"@context"\s*:\s*"[^"]*openvex/.test(text) || (keys.has('statements') && keys.has('@id')))
    return { type: 'openvex', form: 'document' };
  if (keys.has('document') && /"(?:csaf_version|tracking|category)"/.test(text))
    return { type: 'csaf', form: 'document' };
  if (keys.has('packages') || keys.has('distroversion') || keys.has('apkurl'))
    return /"(?:secfixes|distroversion|urlprefix|apkurl)"/.test(text) ? { type: 'secdb', form: 'document' } : undefined;
  if (keys.has('id') || keys.has('schema_version') || keys.has('affected')) return { type: 'osv', form: 'document' };
  if (/^\{\s*"[^"]+"\s*:\s*\{\s*"(?:CVE|TEMP)-/.test(text)) return { type: 'debian-tracker', form: 'document' };
  return undefined;
}

const hasOsv = (text: string): boolean =>
  /"id"\s*:/.test(text) && /"(?:affected|modified|schema_version)"\s*:/.test(text);

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Keys of the outermost object, as far as the text goes. */
function outerKeys(text: string): ReadonlySet<string> {
  const keys = new Set<string>();
  let depth = 0;
  for (const match of text.matchAll(/"((?:[^"\\]|\\.)*)"(\s*:)?|[{}[\]]/g)) {
    const [token, content, colon] = match;
    if (content !== undefined) {
      if (depth === 1 && colon !== undefined) keys.add(content);
    } else depth += token === '{' || token === '[' ? 1 : -1;
  }
  return keys;
}
