/**
 * What two builds of the same content may differ in: caches, logs, locks, copies of what was before, and what belongs to
 * one machine. Each rule says why; docs/content.md lists them for users.
 */
const ASIDE: readonly RegExp[] = [
  // mount points, and what is gone when a container starts
  /^(?:dev|proc|sys|run|tmp|var\/tmp|var\/run)(?:\/|$)/,
  // logs say when a build ran
  /^var\/log\/./,
  // caches are made again from what is compared
  /^var\/cache\/(?:ldconfig|fontconfig|man|apt|apparmor|apk|dnf|yum|zypp|pacman)\/./,
  /^var\/cache\/debconf\/[^/]*-old$/,
  /^var\/lib\/(?:apt\/(?:lists|periodic)|dnf|yum)\//,
  /^(?:root|home\/[^/]+)\/\.(?:cache|npm\/_cacache|npm\/_logs)\//,
  // locks and copies of what was before
  /^var\/lib\/dpkg\/(?:[^/]*-old|lock|lock-frontend|triggers\/Lock)$/,
  /^(?:usr\/)?lib\/apk\/db\/lock$/,
  /^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$/,
  /^etc\/\.pwd\.lock$/,
  // where SQLite's readers stand in its log, made again by the next one (sqlite.org/walformat.html)
  /^(?:usr\/lib\/sysimage\/rpm|var\/lib\/rpm)\/(?:rpmdb\.sqlite-shm|\.rpm\.lock)$/,
  // the builder's, bound into the container
  /^etc\/(?:hostname|hosts|resolv\.conf|mtab)$/,
  // one machine's identity
  /^etc\/machine-id$/,
  /^var\/lib\/dbus\/machine-id$/,
  /^var\/lib\/systemd\/random-seed$/,
];

/** Whether a path is no content. */
export const isAside = (path: string): boolean => ASIDE.some((rule) => rule.test(path));

const BYTE_CODE = /^(.*)__pycache__\/([^/]+?)\.[^/.]+(?:\.opt-[12])?\.pyc$/;

/** The source that Python's byte code was made from, whose time it holds; undefined for other paths. */
export function sourceOfByteCode(path: string): string | undefined {
  const match = BYTE_CODE.exec(path);
  return match === null ? undefined : `${match[1]}${match[2]}.py`;
}
