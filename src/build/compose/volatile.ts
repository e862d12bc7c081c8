/**
 * What maintainer scripts leave that is not part of an image: it differs from run to run, belongs to one machine, or is
 * made again when needed. Each rule says why; docs/compose.md lists them for users.
 */
interface Rule {
  readonly path: RegExp;
  /** `drop` the entry, or keep the file but `empty`. */
  readonly action: 'drop' | 'empty';
  /** Only files (and links); folders stay. */
  readonly filesOnly?: boolean;
}

const RULES: readonly Rule[] = [
  // mount points of the sandbox
  { path: /^(?:dev|proc|sys)(?:\/|$)/, action: 'drop' },
  // gone when a container starts
  { path: /^tmp\//, action: 'drop' },
  { path: /^var\/tmp\//, action: 'drop' },
  { path: /^run\//, action: 'drop', filesOnly: true },
  // one machine's identity: a second machine must not share it
  { path: /^etc\/machine-id$/, action: 'empty' },
  { path: /^var\/lib\/dbus\/machine-id$/, action: 'drop' },
  { path: /^etc\/ssh\/ssh_host_[^/]*$/, action: 'drop' },
  { path: /^etc\/ssl\/(?:private|certs)\/ssl-cert-snakeoil\.(?:key|pem)$/, action: 'drop' },
  { path: /^var\/lib\/systemd\/(?:random-seed|credential\.secret)$/, action: 'drop' },
  { path: /^etc\/hostname$/, action: 'drop' },
  // caches that name inodes and times of this build
  { path: /^var\/cache\/(?:ldconfig|fontconfig|man|apt|apparmor)\/./, action: 'drop', filesOnly: true },
  { path: /^var\/lib\/apt\/lists\//, action: 'drop' },
  { path: /(?:^|\/)__pycache__\/[^/]*\.pyc\.[0-9]+$/, action: 'drop' },
  // Python before 3.11 writes sets in an order that differs from run to run, and py3compile ignores PYTHONHASHSEED
  { path: /(?:^|\/)__pycache__\/[^/]*\.cpython-3(?:[0-9]|10)\.pyc$/, action: 'drop' },
  // copies of what was before
  { path: /^var\/cache\/debconf\/[^/]*-old$/, action: 'drop' },
  {
    path: /^var\/lib\/dpkg\/(?:[^/]*-old|lock|lock-frontend|triggers\/Lock|updates\/.+|tmp\.ci(?:\/.*)?)$/,
    action: 'drop',
  },
  { path: /^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$/, action: 'drop' },
  { path: /^etc\/\.pwd\.lock$/, action: 'drop' },
  { path: /^var\/lib\/ucf\/[^/]*\.[0-9]+$/, action: 'drop' },
];

/** Logs say when this build ran; empty ones are kept, because their owner and mode matter to daemons. */
const LOG = /^var\/log\/./;

export type Verdict = 'keep' | 'drop' | 'empty';

export function judge(path: string, type: string, size: number): Verdict {
  if (LOG.test(path) && type === 'file' && size > 0) return 'drop';
  const rule = RULES.find((candidate) => candidate.path.test(path) && !(candidate.filesOnly && type === 'directory'));
  if (rule === undefined) return 'keep';
  return rule.action === 'empty' && type !== 'file' ? 'drop' : rule.action;
}
