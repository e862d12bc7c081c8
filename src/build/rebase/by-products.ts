/**
 * Written by package managers as a by-product; what is true of them is derived anew from the database, or nobody
 * reads them in an image. A difference here is no conflict, the child's copy stays.
 */
const BY_PRODUCTS = [
  /^var\/lib\/dpkg\/(?:[a-z]+-old|available|lock(?:-frontend)?|triggers\/Lock)$/,
  /^var\/cache\/(?!debconf\/(?:config|templates)\.dat$)/,
  /^var\/log\//,
  /^var\/lib\/apt\/(?!extended_states$)/,
  /^var\/lib\/systemd\/(?:catalog|random-seed)/,
  /^var\/tmp\//,
  /^tmp\//,
  /^run\//,
  /^root\/\.(?:cache|npm|wget-hsts|bash_history)(?:\/|$)/,
  // The lists before their last change, and the lock that guards them (shadow(5)).
  /^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$/,
  /^etc\/\.pwd\.lock$/,
  /^lib\/apk\/db\/lock$/,
];

export const isByProduct = (path: string): boolean => BY_PRODUCTS.some((pattern) => pattern.test(path));

/** The package database itself, merged as a whole and never compared as a plain file. */
const DATABASE = /^(?:var\/lib\/dpkg\/status|(?:usr\/)?lib\/apk\/db\/installed)$/;
export const isDatabase = (path: string): boolean => DATABASE.test(path);

/** rpm's database in all its places and forms. */
const RPM = /^(?:var|usr)\/lib\/(?:sysimage\/)?rpm\/(?!\.rpm\.lock$)/;
export const isRpmDatabase = (path: string): boolean => RPM.test(path);

/** Byte code of Python → the source it was compiled from (PEP 3147). */
export function sourceOfByteCode(path: string): string | undefined {
  const match = /^(.*\/)?__pycache__\/([^/]+?)\.[a-z]+-\d+(?:\.opt-\d)?\.pyc$/.exec(path);
  return match === null ? undefined : `${match[1] ?? ''}${match[2]}.py`;
}
