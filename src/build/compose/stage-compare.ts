import { createHash } from 'node:crypto';
import type { BufferedTarEntry, TarHeader } from '../../archive/index.ts';
import { isElf, linkerFacts } from '../../elf/index.ts';
import type { LayerItem } from '../../oci/index.ts';
import { STATUS_PATH } from './database.ts';
import type { StageRecord } from './stage-record.ts';
import { type StageShape, triggerDirectives } from './stage-shape.ts';

/** What ldconfig is told; the sandbox does not note what ldconfig reads, nor does `reads` hold it. */
const LINKER_SETTINGS = /^etc\/ld\.so\.conf(?:\.d\/|$)/;
const DOCUMENTATION = /^usr\/share\/(?:doc|lintian\/overrides)(?:\/|$)/;
const TRIGGERS_FILE = /^var\/lib\/dpkg\/info\/[^/]*\.triggers$/;
/** Files that ldconfig looks into. */
const MAYBE_LIBRARY = /\.so[^/]*$/;

/** What anybody can see of an entry without reading it, but its size and time. */
function outside({ type, mode, uid, gid, linkName, xattrs, size }: TarHeader): string {
  const attributes = [...(xattrs ?? [])].map(([name, value]) => [name, Buffer.from(value).toString('hex')]).sort();
  return JSON.stringify([type, mode, uid, gid, linkName ?? null, attributes, size === 0]);
}

/** Entries laid over the packages, by path, as digests; dpkg's status file is compared by what it says. */
export function stateDigests(state: readonly LayerItem[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    state
      .filter(({ header }) => header.path !== STATUS_PATH)
      .map(({ header, content }) => [
        header.path,
        createHash('sha256')
          .update(outside(header))
          .update((content as Uint8Array | undefined) ?? '')
          .digest('hex'),
      ]),
  );
}

/** Names that stand in one of two objects with another value, or not at all. */
function differing(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): string | undefined {
  return [...Object.keys(a), ...Object.keys(b)].find((name) => a[name] !== b[name]);
}

/** What a new build is about to run scripts on. */
export interface StageInput {
  readonly shape: StageShape;
  readonly state: Readonly<Record<string, string>>;
  /** `name:architecture` of packages that are not the same as when the record was made. */
  readonly changed: readonly string[];
}

/** Why a recorded run says nothing of this input, as far as the package database tells; undefined: it may. */
export function databaseDiffers(record: StageRecord, input: StageInput): string | undefined {
  if (record.unfit !== undefined) return record.unfit;
  const shape = differing(record.shape, input.shape);
  if (shape !== undefined) return `relations, triggers, conffiles or the set of scripts of ${shape} changed`;
  const state = differing(record.state, input.state);
  if (state !== undefined) return `/${state}, which is made before scripts run, changed`;
  const asked = record.queried === undefined ? 'any package' : undefined;
  const queried = asked ?? input.changed.find((name) => record.queried?.includes(name.split(':')[0] ?? ''));
  return queried === undefined ? undefined : `scripts asked dpkg about ${queried}`;
}

type Entries = ReadonlyMap<string, BufferedTarEntry>;

/**
 * Why scripts that read `reads` could do something else with other files; undefined when they cannot. Both sides hold
 * only what lies in layers that changed.
 */
export function filesDiffer(before: Entries, after: Entries, reads: ReadonlySet<string>): string | undefined {
  for (const path of new Set([...before.keys(), ...after.keys()])) {
    const [old, entry] = [before.get(path), after.get(path)];
    const why =
      old === undefined || entry === undefined
        ? comesOrGoes(path, entry !== undefined, reads)
        : entryDiffers(old, entry, reads);
    if (why !== undefined) return why;
  }
  return undefined;
}

function comesOrGoes(path: string, comes: boolean, reads: ReadonlySet<string>): string | undefined {
  return isUnseen(path, reads) ? undefined : `/${path} is ${comes ? 'new' : 'gone'}`;
}

function entryDiffers(old: BufferedTarEntry, entry: BufferedTarEntry, reads: ReadonlySet<string>): string | undefined {
  const { path } = entry;
  if (outside(old) !== outside(entry)) return `/${path} has another type, mode, owner or link target`;
  if (entry.type !== 'file' || Buffer.compare(old.content, entry.content) === 0) return undefined;
  if (reads.has(path) && !sameTriggers(path, old.content, entry.content)) return `scripts read /${path}, which changed`;
  if (LINKER_SETTINGS.test(path)) return `/${path}, which ldconfig reads, changed`;
  const isForLinker = MAYBE_LIBRARY.test(path) && forLinker(old.content) !== forLinker(entry.content);
  return isForLinker ? `the linker cache says something else of /${path}` : undefined;
}

/**
 * Whether something exists is asked without leaving a trace. Of documentation no program may ask (Debian policy 12.3,
 * lintian's overrides are for lintian), so that only a listing could have shown it.
 */
function isUnseen(path: string, reads: ReadonlySet<string>): boolean {
  if (!DOCUMENTATION.test(path) || reads.has(path)) return false;
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const folder = path.slice(0, at);
    if (DOCUMENTATION.test(folder) && reads.has(folder)) return false;
  }
  return true;
}

/** Nobody but dpkg reads these. */
function sameTriggers(path: string, before: Buffer, after: Buffer): boolean {
  if (!TRIGGERS_FILE.test(path)) return false;
  return triggerDirectives(before.toString('utf8')) === triggerDirectives(after.toString('utf8'));
}

function forLinker(content: Uint8Array): string {
  if (!isElf(content)) return 'no library';
  try {
    return linkerFacts(content);
  } catch {
    // What we cannot read, ldconfig may: such a file is the same only when its bytes are.
    return createHash('sha256').update(content).digest('hex');
  }
}
