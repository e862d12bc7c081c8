import { createHash } from 'node:crypto';
import { redact } from '../../base/index.ts';
import {
  type ApkKeyring,
  type DistributionName,
  type Keyring,
  openApkIndex,
  type RepositoryPackage,
  type RepositorySnapshot,
  readPacmanIndex,
  verifyDetached,
} from '../../distro/index.ts';
import { feedError } from '../errors.ts';
import { fetchState, type StateContext } from './fetch-state.ts';
import type { PlacedRepository } from './layout.ts';

/** Keys of a family's own kind; undefined where none are known. */
export type FlatKeyring =
  | { readonly kind: 'apk'; readonly keyring: ApkKeyring | undefined }
  | { readonly kind: 'alpm'; readonly keyring: Keyring | undefined };

export interface FlatRepositories {
  readonly distribution: DistributionName;
  readonly architecture: string;
  readonly repositories: readonly PlacedRepository[];
  /** All that they offer are security updates. */
  readonly security?: boolean;
  readonly keys: FlatKeyring;
  /** Takes what nobody signed. */
  readonly trusted: boolean;
}

/** What packages of one index have in common. */
type Origin = Parameters<typeof readPacmanIndex>[1];

interface State {
  readonly packages: readonly RepositoryPackage[];
  readonly date: number;
  readonly digest: string;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Files that an index may have, below a repository's folder. */
function filesOf({ keys, architecture }: FlatRepositories, component: string): readonly string[] {
  // apk 2 knows the first alone, apk 3 both.
  if (keys.kind === 'apk') return [`${architecture}/APKINDEX.tar.gz`, `${architecture}/Packages.adb`];
  return [`${component}.db`];
}

const untrusted = (what: string, why: string): Error =>
  feedError('FEED_UNTRUSTED', `${what} ${why}`, {
    hint: 'Name the keys that sign it (keys in the fleet file, --keyring FILE), or say trusted: true in the fleet file.',
  });

/** An index of apk is signed, always: without a key to check it by, it is refused. */
async function openApk(bytes: Buffer, url: string, origin: Origin, all: FlatRepositories): Promise<State> {
  const what = redact(url);
  const keyring = all.keys.kind === 'apk' && !all.trusted ? all.keys.keyring : undefined;
  if (keyring === undefined && !all.trusted) throw untrusted(what, 'cannot be verified: no key is known that signs it');
  const { packages, date } = await openApkIndex(bytes, origin, { keyring, what });
  return { packages, date, digest: sha256(bytes) };
}

/**
 * pacman's distributions sign packages, not databases. With keys named, a database must be signed by one of them; else
 * it must have come over https from the mirror that was named, from a file, or in a bundle of somebody whose key is known,
 * who got it so: as pacman itself goes by.
 */
async function openPacman(
  bytes: Buffer,
  signature: Buffer | undefined,
  url: string,
  origin: Origin,
  all: FlatRepositories,
  now: number,
): Promise<State> {
  const keyring = all.keys.kind === 'alpm' ? all.keys.keyring : undefined;
  const what = redact(url);
  if (!all.trusted && keyring === undefined && !/^(?:https|file|bundle):/.test(url)) {
    throw untrusted(what, 'is not signed, and did not come over https');
  }
  if (!all.trusted && keyring !== undefined) {
    if (signature === undefined) throw untrusted(what, 'is not signed: there is no .sig beside it');
    await verifyDetached(bytes, signature, keyring, now, what);
  }
  const { packages, date } = await readPacmanIndex(bytes, origin);
  return { packages, date, digest: sha256(bytes) };
}

/** Of a package that several repositories have, pacman takes the first one's, whatever its version. */
export function firstWins(snapshots: readonly RepositorySnapshot[]): readonly RepositorySnapshot[] {
  const seen = new Set<string>();
  return snapshots.map((snapshot) => {
    const packages = snapshot.packages.filter(({ name }) => !seen.has(name));
    for (const { name } of snapshot.packages) seen.add(name);
    return { ...snapshot, packages };
  });
}

/**
 * Opens repositories whose index is one file: apk's APKINDEX.tar.gz or Packages.adb, pacman's NAME.db.
 * @throws FEED_*, DISTRO_INDEX_*, DISTRO_ADB_INVALID, RELEASE_UNSIGNED; nothing unverified is ever kept
 */
export async function openFlatRepositories(
  all: FlatRepositories,
  context: StateContext,
): Promise<readonly RepositorySnapshot[]> {
  const { distribution, architecture, keys, security = false } = all;
  const open = async ({ component, roots, folder }: PlacedRepository): Promise<RepositorySnapshot> => {
    const id = `${distribution}/${component}/${architecture}`;
    const origin = { id, security, architecture, folder };
    const files = filesOf(all, component);
    const urls = new Map(
      [...roots].flatMap(([root, mirror]) => files.map((file) => [`${root}/${file}`, mirror] as const)),
    );
    const state = await fetchState<State>(
      {
        id,
        urls,
        verified: !all.trusted,
        signature: keys.kind === 'alpm' && keys.keyring !== undefined && !all.trusted ? '.sig' : undefined,
        open: (bytes, signature, url) =>
          keys.kind === 'apk'
            ? openApk(bytes, url, origin, all)
            : openPacman(bytes, signature, url, origin, all, context.clock.now()),
      },
      context,
    );
    return {
      id,
      distribution,
      pocket: 'release',
      suite: distribution.split('/')[1] ?? '',
      component,
      architecture,
      security,
      date: state.date,
      releaseDigest: state.digest,
      notAutomatic: false,
      packageRoots: [...roots].map(([root, mirror]) => (folder === '' ? root : mirror)),
      packages: state.packages,
    };
  };
  return Promise.all(all.repositories.map(open));
}
