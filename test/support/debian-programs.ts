/**
 * Well-known programs of several Debian suites and jars, unpacked aside for tests that look into them.
 * `node test/support/debian-programs.ts` fetches what is missing.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TEST_PACKAGES, unpackPackages } from './unpack-packages.ts';

/** Source of each row of `VERSION_RULES`, in more than one suite where it is small. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  bullseye: [
    ...['python3.9-minimal', 'nginx-light', 'libssl1.1', 'openssl', 'busybox-static', 'perl-base', 'php7.4-cli'],
    ...['redis-tools', 'apache2-bin', 'haproxy', 'curl', 'libcurl4', 'bash', 'libsqlite3-0', 'libc6', 'musl'],
    ...['libruby2.7', 'runc'],
  ],
  bookworm: [
    ...['python3.11-minimal', 'nginx', 'libssl3', 'busybox', 'perl-base', 'php8.2-cli', 'redis-tools', 'haproxy'],
    ...[
      'postgresql-15',
      'libnode108',
      'libcurl4',
      'libsqlite3-0',
      'libjackson2-databind-java',
      'libcommons-lang3-java',
    ],
    ...['libguava-java', 'libslf4j-java'],
  ],
  trixie: [
    ...['python3.13-minimal', 'nginx', 'libssl3t64', 'busybox', 'perl-base', 'php8.4-cli', 'redis-tools', 'haproxy'],
    ...['curl', 'libsqlite3-0', 'libc6', 'musl', 'bash', 'libruby3.3', 'valkey-tools', 'memcached', 'varnish', 'runc'],
    ...['mariadb-server-core', 'apache2-bin'],
  ],
};

/** Changes with what is fetched, so that an older set is not taken for this one. */
const rootOf = (suite: string): string => join(TEST_PACKAGES, `programs-2-${suite}`);

/** Root folders by suite; undefined where they were not fetched. */
export function debianPrograms(): Readonly<Record<string, string>> | undefined {
  const suites = Object.keys(PACKAGES);
  if (!suites.every((suite) => existsSync(rootOf(suite)))) return undefined;
  return Object.fromEntries(suites.map((suite) => [suite, rootOf(suite)]));
}

if (import.meta.main) {
  for (const [suite, names] of Object.entries(PACKAGES)) {
    if (existsSync(rootOf(suite))) continue;
    await unpackPackages(
      rootOf(suite),
      names.map((name) => `${name}/${suite}`),
    );
  }
}
