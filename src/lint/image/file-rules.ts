import { accountsOf, type FileFinding, type SecretKind, secretsOf } from '../../language/index.ts';
import type { LayerEntry } from '../../oci/index.ts';
import type { LintHit, LintRule } from '../types.ts';
import type { ImageSubject } from './subject.ts';

const SETUID = 0o4000;
const SETGID = 0o2000;
const STICKY = 0o1000;
const WORLD_WRITE = 0o002;
const EXECUTE = 0o111;

const SECRETS: Readonly<Record<SecretKind, string>> = {
  'private-key': 'a private key',
  'encrypted-private-key': 'an encrypted private key',
  'registry-password': 'the password of a registry',
  'npm-token': 'a token of an npm registry',
  password: 'a password',
  'aws-key': 'an AWS key',
  token: 'a token or password',
};

/** What is in the finished image. */
function* shown({ contents }: ImageSubject): Generator<readonly [path: string, entry: LayerEntry, layer: string]> {
  for (const [path, { entry, layer }] of contents.tree) yield [path, entry, contents.layers[layer]?.diffId ?? ''];
}

/** Findings of one reader in any layer, and whether the file is still there. */
function* found(
  { records, contents }: ImageSubject,
  reader: string,
): Generator<FileFinding & { readonly layer: string; readonly hidden: boolean }> {
  for (const [at, { index, findings }] of records.entries()) {
    for (const finding of findings) {
      if (finding.reader !== reader) continue;
      yield { ...finding, layer: index.diffId, hidden: contents.tree.get(finding.path)?.layer !== at };
    }
  }
}

/** Rules over files and their contents, those of hidden layers included where that matters. */
export const FILE_RULES: readonly LintRule<ImageSubject>[] = [
  {
    id: 'secret-file',
    severity: 'error',
    meaning:
      'A layer holds a key or password; deleting it in a later layer does not take it out of the image. Use a build secret, and replace it: it is known.',
    *check(subject) {
      for (const { path, layer, hidden, facts } of found(subject, 'secret')) {
        for (const { kind, line } of secretsOf(facts)) {
          const place = hidden ? ' (a later layer hides the file, not the secret)' : '';
          yield { message: `line ${line} is ${SECRETS[kind] ?? 'a secret'}${place}`, path, layer };
        }
      }
    },
  },
  {
    id: 'account-without-password',
    severity: 'error',
    meaning: 'An account signs in without a password. Lock it (passwd -l).',
    *check(subject) {
      for (const { path, layer, hidden, facts } of found(subject, 'accounts')) {
        const names = accountsOf(facts).passwordless;
        if (!hidden && names.length > 0) yield { message: `no password: ${names.join(', ')}`, path, layer };
      }
    },
  },
  {
    id: 'second-root',
    severity: 'error',
    meaning: 'An account besides root has user id 0, and is root.',
    *check(subject) {
      for (const { path, layer, hidden, facts } of found(subject, 'accounts')) {
        const names = accountsOf(facts).superusers;
        if (!hidden && names.length > 0) yield { message: `user id 0: ${names.join(', ')}`, path, layer };
      }
    },
  },
  {
    id: 'setuid-file',
    severity: 'warning',
    meaning: 'A program runs with the rights of its owner, whoever starts it. Few containers need one: chmod a-s.',
    *check(subject) {
      for (const [path, entry, layer] of shown(subject)) {
        if (entry.type !== 'file' || (entry.mode & EXECUTE) === 0) continue;
        if ((entry.mode & SETUID) !== 0) yield { message: `set-user-id ${entry.uid}`, path, layer };
        else if ((entry.mode & SETGID) !== 0) yield { message: `set-group-id ${entry.gid}`, path, layer };
      }
    },
  },
  {
    id: 'file-capability',
    severity: 'info',
    meaning: 'A program has capabilities of its own, whoever starts it.',
    *check(subject) {
      for (const [path, entry, layer] of shown(subject)) {
        if (entry.xattrs?.['security.capability'] !== undefined)
          yield { message: 'has file capabilities', path, layer };
      }
    },
  },
  {
    id: 'world-writable',
    severity: 'warning',
    meaning: 'Everybody in the container may change the file, or delete what is in the folder. chmod o-w, or +t.',
    *check(subject) {
      for (const [path, entry, layer] of shown(subject)) {
        if ((entry.mode & WORLD_WRITE) === 0) continue;
        if (entry.type === 'file') yield { message: 'everybody may write the file', path, layer };
        if (entry.type === 'directory' && (entry.mode & STICKY) === 0) {
          yield { message: 'everybody may write and delete in the folder', path, layer };
        }
      }
    },
  },
  {
    id: 'device-node',
    severity: 'warning',
    meaning: 'The image ships a device node; engines make those a container needs.',
    *check(subject): Iterable<LintHit> {
      for (const [path, entry, layer] of shown(subject)) {
        if (entry.device !== undefined && !path.startsWith('dev/'))
          yield { message: `device ${entry.device}`, path, layer };
      }
    },
  },
];
