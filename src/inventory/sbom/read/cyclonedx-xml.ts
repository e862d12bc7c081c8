import { SaxesParser, type SaxesTagPlain } from 'saxes';
import { messageOf } from '../../../base/index.ts';
import { inventoryError } from '../../errors.ts';
import { cycloneDxJson } from './cyclonedx-json.ts';
import { MAX_DEPTH, type SbomDocument } from './types.ts';

interface Node {
  readonly [key: string]: unknown;
}

/** Elements whose text is kept, by the member of the JSON form. */
const TEXTS: ReadonlySet<string> = new Set(['name', 'version', 'purl', 'group', 'publisher', 'description', 'scope']);
/** Elements that are a folder of others alone. */
const LISTS: ReadonlySet<string> = new Set(['components', 'properties']);
/** Elements in which a component's own members stand. */
const NODES: ReadonlySet<string> = new Set(['bom', 'metadata', 'component', 'supplier', 'property']);

interface Frame {
  readonly tag: string;
  readonly node: Record<string, unknown>;
  text: string;
}

/** CycloneDX XML, brought into the form of the JSON one. Entities of a document's own are not read (saxes has none). */
export function cycloneDxXml(text: string): SbomDocument {
  const root: Record<string, unknown> = {};
  const frames: Frame[] = [{ tag: '', node: root, text: '' }];
  const parser = new SaxesParser();
  const top = (): Frame => frames.at(-1) as Frame;
  parser.on('opentag', (tag: SaxesTagPlain) => {
    const name = localName(tag.name);
    // Lists of components are two levels each.
    if (frames.length > 3 * MAX_DEPTH) throw new Error(`more than ${3 * MAX_DEPTH} levels`);
    const isNode = NODES.has(name) && expected(name, top().tag);
    const node = isNode ? {} : LISTS.has(name) ? top().node : {};
    if (isNode) attach(top().node, name, node, tag);
    frames.push({ tag: name, node: node as Record<string, unknown>, text: '' });
  });
  parser.on('text', (part) => {
    top().text += part;
  });
  parser.on('cdata', (part) => {
    top().text += part;
  });
  parser.on('closetag', () => {
    const frame = frames.pop() as Frame;
    const parent = top();
    if (TEXTS.has(frame.tag) && NODES.has(parent.tag)) parent.node[frame.tag] = frame.text.trim();
    if (frame.tag === 'property') frame.node.value = frame.text.trim();
  });
  try {
    parser.write(text).close();
  } catch (error) {
    throw inventoryError('INVENTORY_SBOM_INVALID', `the SBOM is no readable XML: ${messageOf(error)}`);
  }
  return cycloneDxJson((root.bom as Node | undefined) ?? {});
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

/** `component` also stands in other places (pedigree, evidence), where it is no part of the image. */
function expected(name: string, parent: string): boolean {
  if (name === 'component') return parent === 'components' || parent === 'metadata';
  if (name === 'property') return parent === 'properties';
  return name !== 'bom' || parent === '';
}

function attach(parent: Record<string, unknown>, name: string, node: object, tag: SaxesTagPlain): void {
  if (name === 'component') (node as Record<string, unknown>).type = tag.attributes.type;
  if (name === 'property') (node as Record<string, unknown>).name = tag.attributes.name;
  if (name === 'property') parent.properties = [...((parent.properties as object[] | undefined) ?? []), node];
  else if (name === 'component' && parent.isMetadata !== true) {
    const list = parent.components as object[] | undefined;
    if (list === undefined) parent.components = [node];
    else list.push(node);
  } else parent[name] = node;
  if (name === 'metadata') (node as Record<string, unknown>).isMetadata = true;
}
