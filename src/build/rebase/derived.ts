import type { BasePair } from './base-pair.ts';
import { isByProduct } from './by-products.ts';
import type { OwnChanges } from './own-changes.ts';
import type { RebaseConflict } from './report.ts';
import { isWithin } from './tree.ts';

/** Files that tools make of many others: what the child made, and of what. */
const DERIVED: readonly { readonly made: RegExp; readonly of: RegExp; readonly merged?: true }[] = [
  { made: /^usr\/lib\/locale\//, of: /^usr\/(?:share\/i18n\/|bin\/localedef$)/ },
  // Local certificates stand in it in the order of their names: lines added at the end could belong before others.
  { made: /^etc\/ssl\/certs\/ca-certificates\.crt$/, of: /^usr\/local\/share\/ca-certificates\//, merged: true },
  { made: /^etc\/ssl\/certs\/(?:ca-certificates\.crt|java\/cacerts)$/, of: /^usr\/share\/ca-certificates\// },
  { made: /^usr\/share\/i18n\/SUPPORTED$|^etc\/locale\.alias$/, of: /^usr\/share\/i18n\// },
  { made: /^usr\/lib\/.*\/gconv-modules\.cache$/, of: /^usr\/lib\/.*\/gconv\// },
  { made: /^boot\/initrd/, of: /^(?:usr\/)?(?:lib\/modules\/|sbin\/|share\/initramfs-tools\/)/ },
  { made: /^usr\/share\/info\/dir$/, of: /^usr\/share\/info\// },
];
/** Static libraries, headers and compilers: what a program that no package brought may have been built from. */
const TOOLCHAIN = /\.a$|^usr\/(?:local\/)?include\/|^usr\/(?:lib|libexec)\/gcc\/|^usr\/local\/go\//;
/** Bytes below which two files are alike by chance. */
const LEAST_COPY = 16;

/**
 * Files whose content the child took from the base: building anew would take it from the new one.
 *
 * @param isPackaged files of packages that the child installed itself: they came from an archive
 */
export function checkDerived(
  own: OwnChanges,
  pair: BasePair,
  programs: readonly string[],
  isPackaged: (path: string) => boolean,
): readonly RebaseConflict[] {
  const conflicts: RebaseConflict[] = [];
  for (const [path, { entry }] of own.writes) {
    if (entry.type !== 'file' || isByProduct(path)) continue;
    const origin = entry.sha256 === undefined || entry.size < LEAST_COPY ? undefined : pair.replaced.get(entry.sha256);
    if (origin !== undefined && origin !== path && !isPackaged(path)) {
      conflicts.push({ kind: 'derived', path, from: origin, reason: "it is a copy of the old base's file" });
    }
    const both = pair.changed.has(path);
    const rules = isPackaged(path)
      ? []
      : DERIVED.filter(({ made, merged }) => made.test(path) && (merged ?? false) === both);
    const from =
      rules.length === 0
        ? undefined
        : pair.changed.keys().find((one) => rules.some((rule) => rule.of.test(one)) && !own.writes.has(one));
    if (from !== undefined)
      conflicts.push({ kind: 'derived', path, from, reason: 'it is made of files that the new base changes' });
  }
  const program = programs.find((path) => !isPackaged(path));
  const tool = program === undefined ? undefined : toolchainOf(pair);
  if (program !== undefined && tool !== undefined) {
    conflicts.push({
      kind: 'derived',
      path: program,
      from: tool,
      reason: "it may have been built with the base's compiler, headers or static libraries",
    });
  }
  return conflicts;
}

const toolchains = new WeakMap<BasePair, { readonly path: string | undefined }>();

function toolchainOf(pair: BasePair): string | undefined {
  const known = toolchains.get(pair) ?? {
    path: pair.changed
      .keys()
      .find((path) => TOOLCHAIN.test(path) && pair.oldBase.tree.get(path)?.entry.type !== 'directory'),
  };
  toolchains.set(pair, known);
  return known.path;
}

/** dpkg's file triggers: one `PATH PACKAGE` a line (deb-triggers(5)). */
const interests = (bytes: Uint8Array | undefined): ReadonlySet<string> =>
  new Set(
    Buffer.from(bytes ?? new Uint8Array())
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== ''),
  );

/** Packages that do no more at a trigger than fill a cache that is put aside anyway. */
const CACHES_ONLY = /^(?:man-db|libc-bin|fontconfig|desktop-file-utils)(?:\/noawait|:[a-z0-9]+)*$/;

/**
 * A package that one side installed and that acts on files of the other's: built anew, its trigger would have seen
 * them. `dpkg` itself keeps who wants to know of which paths.
 */
export function checkTriggers(
  lists: {
    readonly old: Uint8Array | undefined;
    readonly new: Uint8Array | undefined;
    readonly own: Uint8Array | undefined;
  },
  own: OwnChanges,
  pair: BasePair,
  isPackaged: (path: string) => boolean,
): readonly RebaseConflict[] {
  const [before, after] = [interests(lists.old), interests(lists.new)];
  const mine = lists.own === undefined ? before : interests(lists.own);
  const fresh = (lines: ReadonlySet<string>, known: ReadonlySet<string>): readonly (readonly [string, string])[] =>
    [...lines]
      .filter((line) => !known.has(line))
      .map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(1, at), line.slice(at + 1)];
      });
  const conflicts: RebaseConflict[] = [];
  for (const [path, pkg] of fresh(mine, before)) {
    if (CACHES_ONLY.test(pkg) || after.has(`/${path} ${pkg}`)) continue;
    const seen = pair.changed.keys().find((one) => isWithin(one, path) && !own.writes.has(one));
    if (seen !== undefined)
      conflicts.push({
        kind: 'derived',
        path,
        from: seen,
        reason: `package ${pkg}, which the child installed, works on it`,
      });
  }
  for (const [path, pkg] of fresh(after, before)) {
    if (CACHES_ONLY.test(pkg) || mine.has(`/${path} ${pkg}`)) continue;
    const seen = own.writes.keys().find((one) => isWithin(one, path) && isPackaged(one));
    if (seen !== undefined)
      conflicts.push({
        kind: 'derived',
        path,
        from: seen,
        reason: `package ${pkg}, which the new base installed, would have worked on it`,
      });
  }
  return conflicts;
}
