/** Clients that fetch from repositories, as they name themselves. */
const AGENTS: readonly (readonly [client: string, agent: RegExp])[] = [
  ['apt', /^Debian APT-/],
  ['apk', /^(?:libfetch|apk-tools)\//],
  ['dnf', /^(?:libdnf|dnf|PackageKit|urlgrabber|librepo)\b/i],
  ['zypper', /^ZYpp\b/i],
  ['npm', /^(?:npm|pnpm|yarn)\//],
  ['pip', /^(?:pip|uv|poetry)\//],
];

/** What lies in a repository, whoever asks: others than the package manager itself may fetch for it (mirror lists, curl). */
const PATHS: readonly RegExp[] = [
  /\/dists\/[^?]+\/(?:InRelease|Release(?:\.gpg)?)$/,
  /\/dists\/[^?]+\/(?:Packages|Sources|Contents-[\w-]+|Translation-[\w-]+)(?:\.[a-z0-9]+)?$/,
  /\/by-hash\/(?:SHA256|SHA512)\/[0-9a-f]{64,128}$/,
  /\/(?:pool|dists)\/[^?]+\.(?:u?deb|dsc|tar\.[a-z0-9]+)$/,
  /\/repodata\/[^/?]+$/,
  /\.rpm$/,
  /\/APKINDEX\.tar\.gz$/,
  /\.apk$/,
];

/** Whether a request is one of a package manager to its repository; nothing else of the network is let into a build. */
export function isRepositoryRequest(url: URL, agent: string): boolean {
  return AGENTS.some(([, pattern]) => pattern.test(agent)) || PATHS.some((pattern) => pattern.test(url.pathname));
}
