import { overLimit } from './limits.ts';
import type { Criteria } from './oval-criteria.ts';
import type { XmlAttributes, XmlHandler } from './xml.ts';

export interface Definition {
  readonly id: string;
  readonly class: string;
  title: string;
  severity: string;
  issued: string | undefined;
  updated: string | undefined;
  readonly platforms: string[];
  readonly cpes: string[];
  readonly references: { readonly id: string; readonly url: string | undefined }[];
  readonly cves: { id: string; readonly url: string | undefined; readonly cvss3: string | undefined }[];
  criteria: Criteria | undefined;
}

/** What a package test compares: `openssl` less than `1:3.0.7-25.el9_3`. */
export interface Comparison {
  readonly names: readonly string[];
  /** Undefined: the package's presence is the question. */
  readonly operation: string | undefined;
  readonly version: string | undefined;
}

export interface OvalTables {
  /** Undefined for a test that is not about a package's version. */
  comparison(test: string): Comparison | undefined;
}

/** Definitions, tests, objects and states each; Ubuntu's largest file has 60,000 definitions. */
const MAX_PARTS = 4_000_000;

interface Branch {
  readonly kind: 'all' | 'any';
  readonly of: Criteria[];
}

/** Gathers the parts of an OVAL document while it streams. */
export class OvalReader implements XmlHandler, OvalTables {
  isOval = false;
  readonly definitions: Definition[] = [];
  readonly #tests = new Map<string, { object: string; state: string | undefined }>();
  readonly #objects = new Map<string, { name: string | undefined; variable: string | undefined }>();
  readonly #states = new Map<string, { operation: string; version: string }>();
  readonly #variables = new Map<string, string[]>();
  #definition: Definition | undefined;
  #branches: Branch[] = [];
  #attributes: XmlAttributes = {};
  #part: { kind: 'test' | 'object' | 'state' | 'variable'; id: string } | undefined;
  #parts = 0;
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  open(name: string, attributes: XmlAttributes, path: readonly string[]): void {
    this.#attributes = attributes;
    if (path.length === 0) this.isOval = name === 'oval_definitions';
    else if (path.length === 2) this.#openPart(name, attributes, path[1] as string);
    else if (this.#definition !== undefined) this.#openInDefinition(this.#definition, name, attributes);
    else if (this.#part?.kind === 'test') this.#openInTest(this.#part.id, name, attributes);
    else if (this.#part?.kind === 'object' && name === 'name' && attributes.var_ref !== undefined) {
      this.#objects.set(this.#part.id, { name: undefined, variable: attributes.var_ref });
    }
  }

  close(name: string, text: string, path: readonly string[]): void {
    if (path.length === 2) {
      this.#definition = undefined;
      this.#part = undefined;
    } else if (this.#definition !== undefined) this.#closeInDefinition(this.#definition, name, text, path);
    else if (this.#part !== undefined) this.#closeInPart(this.#part, name, text);
  }

  comparison(test: string): Comparison | undefined {
    const refs = this.#tests.get(test);
    const object = refs === undefined ? undefined : this.#objects.get(refs.object);
    if (refs === undefined || object === undefined) return undefined;
    const names = object.name === undefined ? (this.#variables.get(object.variable ?? '') ?? []) : [object.name];
    if (refs.state === undefined) return { names, operation: undefined, version: undefined };
    // A state without a version asks for a signature or an architecture.
    const state = this.#states.get(refs.state);
    return state === undefined ? undefined : { names, ...state };
  }

  #openPart(name: string, attributes: XmlAttributes, section: string): void {
    const id = attributes.id ?? '';
    this.#parts += 1;
    if (this.#parts > MAX_PARTS) throw overLimit(this.#what, 'parts of the OVAL document', MAX_PARTS);
    if (section === 'definitions' && name === 'definition') {
      // Inventory and compliance definitions say nothing of updates.
      if (attributes.class !== 'patch' && attributes.class !== 'vulnerability') return;
      this.#branches = [];
      this.#definition = {
        ...{ id, class: attributes.class, title: '', severity: '', issued: undefined, updated: undefined },
        ...{ platforms: [], cpes: [], references: [], cves: [], criteria: undefined },
      };
      this.definitions.push(this.#definition);
    } else if (name === 'rpminfo_test' || name === 'dpkginfo_test') {
      // A package that must not be there, or must not be so, fixes nothing.
      const isInverse = attributes.check_existence === 'none_exist' || attributes.check === 'none satisfy';
      this.#part = isInverse ? undefined : { kind: 'test', id };
    } else if (name === 'rpminfo_object' || name === 'dpkginfo_object') this.#part = { kind: 'object', id };
    else if (name === 'rpminfo_state' || name === 'dpkginfo_state') this.#part = { kind: 'state', id };
    else if (name === 'constant_variable') this.#part = { kind: 'variable', id };
  }

  #openInTest(id: string, name: string, attributes: XmlAttributes): void {
    if (name === 'object') this.#tests.set(id, { object: attributes.object_ref ?? '', state: undefined });
    else if (name === 'state') {
      const known = this.#tests.get(id);
      if (known !== undefined) this.#tests.set(id, { ...known, state: attributes.state_ref ?? '' });
    }
  }

  #openInDefinition(definition: Definition, name: string, attributes: XmlAttributes): void {
    if (name === 'reference') definition.references.push({ id: attributes.ref_id ?? '', url: attributes.ref_url });
    else if (name === 'issued') definition.issued = attributes.date;
    else if (name === 'updated') definition.updated = attributes.date;
    else if (name === 'cve') definition.cves.push({ id: '', url: attributes.href, cvss3: attributes.cvss3 });
    else if (name === 'criteria') {
      const branch: Branch = { kind: attributes.operator === 'OR' ? 'any' : 'all', of: [] };
      // What is negated as a whole says where there is nothing to do.
      if (attributes.negate !== 'true') this.#branches.at(-1)?.of.push(branch);
      definition.criteria ??= branch;
      this.#branches.push(branch);
    } else if (name === 'criterion') {
      const { test_ref: test = '', comment = '' } = attributes;
      this.#branches.at(-1)?.of.push({ kind: 'test', test, comment, negated: attributes.negate === 'true' });
    }
  }

  #closeInDefinition(definition: Definition, name: string, text: string, path: readonly string[]): void {
    if (name === 'criteria') this.#branches.pop();
    else if (name === 'title' && path.at(-1) === 'metadata') definition.title = text;
    else if (name === 'platform') definition.platforms.push(text);
    else if (name === 'cpe') definition.cpes.push(text);
    else if (name === 'severity') definition.severity = text;
    else if (name === 'cve') {
      const last = definition.cves.at(-1);
      if (last !== undefined) last.id = text;
    } else if ((name === 'date' || name === 'public_date') && definition.issued === undefined) definition.issued = text;
  }

  #closeInPart(part: { readonly kind: string; readonly id: string }, name: string, text: string): void {
    if (part.kind === 'object' && name === 'name' && text !== '') {
      this.#objects.set(part.id, { name: text, variable: undefined });
    } else if (part.kind === 'state' && name === 'evr') {
      this.#states.set(part.id, { operation: this.#attributes.operation ?? 'equals', version: text });
    } else if (part.kind === 'variable' && name === 'value') {
      const values = this.#variables.get(part.id) ?? [];
      if (values.length === 0) this.#variables.set(part.id, values);
      values.push(text);
    }
  }
}
