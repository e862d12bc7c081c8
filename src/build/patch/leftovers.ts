/**
 * What a package manager leaves behind that belongs into no layer: logs, caches, locks, backups of its own files.
 * Debconf's answers (config.dat, passwords.dat, templates.dat) are state, not cache, whatever their folder is called.
 */
const LEFTOVERS = [
  /^(?:tmp|run|var\/tmp|var\/log|proc|sys|dev)\//,
  /^var\/cache\/(?!debconf(?:\/|$))[^/]+\//,
  /^var\/cache\/debconf\/.*-old$/,
  /^var\/cache\/heraklit(?:\/|$)/,
  /^var\/lib\/dpkg\/(?:lock(?:-frontend)?|triggers\/Lock|updates\/.+|[a-z]+-old)$/,
  /^var\/lib\/apt\/(?:lists|periodic)\//,
  /^(?:var\/lib|usr\/lib\/sysimage|usr\/share)\/rpm\/(?:\.rpm\.lock|\.dbenv\.lock|__db\.\d+)$/,
  /^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$/,
  /^(?:var\/cache\/ldconfig\/aux-cache|usr\/sbin\/policy-rc\.d)$/,
  /^root\/\.(?:cache|bash_history)(?:\/|$)/,
];

/** True for paths that a patched image must not carry as a change. */
export const isLeftover = (path: string): boolean => LEFTOVERS.some((pattern) => pattern.test(path));
