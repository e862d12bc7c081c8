/** How the version of a well-known program is told from the bytes of its file. */
export interface VersionRule {
  /** Name of the product, as in package URLs (`pkg:generic/NAME`). */
  readonly product: string;
  /** Vendor and product of its CPE name. */
  readonly cpe: string;
  /** Names its files have. */
  readonly names: readonly string[];
  /** Bytes near the version, to find it fast. */
  readonly anchor: string;
  /** Matched around each anchor, one character a byte; the first group is the version. */
  readonly pattern: RegExp;
}

/** `from`…`to`, each put where `#` stands. */
function each(from: number, to: number, ...templates: readonly string[]): readonly string[] {
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return templates.flatMap((template) => numbers.map((number) => template.replaceAll('#', String(number))));
}

const PYTHONS = [[2, 7] as const, ...Array.from({ length: 28 }, (_, index) => [3, index + 3] as const)];
const RUBIES = ['2.3', '2.4', '2.5', '2.6', '2.7', ...each(0, 9, '3.#'), ...each(0, 9, '4.#')];
const PHPS = ['5.6', ...each(0, 4, '7.#'), ...each(0, 9, '8.#')];
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];

/**
 * One row a product; each proved on real files (test/oracle/program-version.test.ts). The names are those of Debian, of
 * other distributions, and of the projects' own builds.
 */
export const VERSION_RULES: readonly VersionRule[] = [
  {
    product: 'node',
    cpe: 'nodejs:node.js',
    names: ['node', 'nodejs', 'libnode.so', ...each(64, 160, 'libnode.so.#')],
    anchor: 'node.js/v',
    pattern: /node\.js\/v(\d+\.\d+\.\d+(?:-[\w.]+)?)/,
  },
  ...PYTHONS.map(
    ([major, minor]): VersionRule => ({
      product: 'python',
      cpe: 'python:python',
      names: ['python#', 'python#m', 'libpython#.so.1.0', 'libpython#m.so.1.0'].map((name) =>
        name.replace('#', `${major}.${minor}`),
      ),
      anchor: `${major}.${minor}.`,
      // The end of a longer text where the linker found one: /usr/src/Python-3.11.7.
      pattern: new RegExp(`[^\\d.](${major}\\.${minor}\\.\\d+(?:(?:a|b|rc)\\d+)?\\+?)\\0`),
    }),
  ),
  {
    product: 'php',
    cpe: 'php:php',
    names: [
      ...['php', 'php-cgi', 'php-fpm', 'phpdbg', 'libphp.so', 'libphp5.so', 'libphp7.so'],
      ...PHPS.flatMap((release) => ['php', 'php-cgi', 'php-fpm', 'phpdbg'].map((name) => `${name}${release}`)),
      ...PHPS.map((release) => `libphp${release}.so`),
    ],
    anchor: 'X-Powered-By: PHP/',
    pattern: /X-Powered-By: PHP\/(\d+\.\d+\.\d+(?:[a-zA-Z]+\d*)?)/,
  },
  {
    product: 'nginx',
    cpe: 'nginx:nginx',
    names: ['nginx', 'nginx-debug'],
    anchor: 'nginx version: nginx/',
    pattern: /nginx version: nginx\/(\d+\.\d+\.\d+)/,
  },
  {
    product: 'openresty',
    cpe: 'openresty:openresty',
    names: ['nginx', 'openresty'],
    anchor: 'nginx version: openresty/',
    pattern: /nginx version: openresty\/(\d+\.\d+\.\d+\.\d+)/,
  },
  {
    product: 'openssl',
    cpe: 'openssl:openssl',
    names: [
      ...['openssl', 'libcrypto.so', 'libcrypto.so.3', 'libcrypto.so.1.1', 'libcrypto.so.1.0.0', 'libcrypto.so.1.0.2'],
      ...LETTERS.flatMap((letter) => ['1.0.1', '1.0.2', '1.1.0', '1.1.1'].map((old) => `libcrypto.so.${old}${letter}`)),
      ...each(0, 30, 'libcrypto.so.3.0.#', 'libcrypto.so.3.2.#', 'libcrypto.so.3.5.#', 'libcrypto.so.3.#.0'),
    ],
    anchor: 'OpenSSL ',
    pattern: /OpenSSL (\d+\.\d+\.\d+[a-z]*(?:-[a-z]+\d*)?) {1,2}\d{1,2} [A-Z][a-z]{2} \d{4}/,
  },
  {
    product: 'busybox',
    cpe: 'busybox:busybox',
    names: ['busybox', 'busybox.static', 'busybox-extras'],
    anchor: 'BusyBox v',
    pattern: /BusyBox v(\d+\.\d+\.\d+)/,
  },
  {
    product: 'perl',
    cpe: 'perl:perl',
    names: [
      ...['perl', 'libperl.so'],
      ...each(8, 60, 'libperl.so.5.#', 'perl5.#.0', 'libperl.so.5.#.0'),
      ...each(8, 60, 'perl5.#.1', 'libperl.so.5.#.1', 'perl5.#.2', 'libperl.so.5.#.2', 'perl5.#.3', 'libperl.so.5.#.3'),
    ],
    anchor: '/perl',
    pattern: /\/perl5?\/(5\.\d+\.\d+)/,
  },
  {
    product: 'ruby',
    cpe: 'ruby-lang:ruby',
    names: [
      ...['ruby', 'libruby.so', 'libruby-static.a'],
      ...RUBIES.flatMap((release) => [
        `ruby${release}`,
        `libruby.so.${release}`,
        `libruby-${release}.so.${release}`,
        ...each(0, 15, `libruby.so.${release}.#`, `libruby-${release}.so.${release}.#`),
      ]),
    ],
    anchor: '\0ruby ',
    pattern: /\0ruby (\d+\.\d+\.\d+(?:preview\d+|rc\d+)?)(?:p\d+)? \(\d{4}-\d\d-\d\d/,
  },
  {
    product: 'redis',
    cpe: 'redis:redis',
    names: ['redis-server', 'redis-check-rdb', 'redis-check-aof', 'redis-sentinel'],
    // Version, machine and second of the build, whether the tree was clean, and its revision, without anything between.
    anchor: '00000\0',
    pattern: /[^\d.](\d+\.\d+\.\d+)(?:[A-Za-z][\w.-]*-)?\d{10}[01][0-9a-f]{8}\0/,
  },
  {
    product: 'valkey',
    cpe: 'lfprojects:valkey',
    names: ['valkey-server', 'valkey-check-rdb', 'valkey-check-aof', 'valkey-sentinel'],
    anchor: '00000\0',
    pattern: /[^\d.](\d+\.\d+\.\d+)(?:[A-Za-z][\w.-]*-)?\d{10}[01][0-9a-f]{8}\0/,
  },
  {
    product: 'postgresql',
    cpe: 'postgresql:postgresql',
    names: ['postgres'],
    anchor: '(PostgreSQL) ',
    pattern: /\(PostgreSQL\) (\d+(?:\.\d+){0,2}(?:beta\d+|rc\d+|devel)?)/,
  },
  {
    product: 'httpd',
    cpe: 'apache:http_server',
    names: ['httpd', 'apache2'],
    anchor: '\0Apache/2.',
    pattern: /\0Apache\/(2\.\d+\.\d+)/,
  },
  {
    product: 'haproxy',
    cpe: 'haproxy:haproxy',
    names: ['haproxy'],
    anchor: 'HAProxy version follows',
    pattern: /\0(\d+\.\d+(?:\.\d+|-dev\d+))[\w.+~-]*\0+HAProxy version follows/,
  },
  {
    product: 'curl',
    cpe: 'haxx:curl',
    names: ['curl'],
    anchor: 'curl/',
    pattern: /\0curl\/(\d+\.\d+\.\d+)/,
  },
  {
    product: 'libcurl',
    cpe: 'haxx:libcurl',
    names: ['libcurl.so.4', ...each(3, 20, 'libcurl.so.4.#.0', 'libcurl-gnutls.so.4.#.0', 'libcurl-nss.so.4.#.0')],
    anchor: 'CLIENT libcurl ',
    pattern: /CLIENT libcurl (\d+\.\d+\.\d+)/,
  },
  {
    product: 'bash',
    cpe: 'gnu:bash',
    names: ['bash', 'rbash', 'bash-static'],
    anchor: '@(#)Bash version ',
    pattern: /@\(#\)Bash version (\d+\.\d+\.\d+)/,
  },
  {
    product: 'sqlite',
    cpe: 'sqlite:sqlite',
    names: [
      'libsqlite3.so.0',
      'libsqlite3.so.0.8.6',
      ...each(0, 9, ...each(40, 70, 'libsqlite3.so.3.#').map((one) => `${one}.#`)),
    ],
    anchor: '3.',
    pattern: /[^\w.](3\.(?:[6-9]|[1-9]\d)\.\d+)\0/,
  },
  {
    product: 'glibc',
    cpe: 'gnu:glibc',
    names: ['libc.so.6', ...each(17, 34, 'libc-2.#.so')],
    anchor: 'GNU C Library ',
    pattern: /GNU C Library \([^)]{0,200}\) (?:stable|development) release version (\d+\.\d+)/,
  },
  {
    product: 'musl',
    cpe: 'musl-libc:musl',
    names: ['x86_64', 'aarch64', 'i386', 'armhf', 'arm', 'powerpc64le', 's390x', 'riscv64', 'loongarch64']
      .map((machine) => `ld-musl-${machine}.so.1`)
      .concat('libc.so'),
    anchor: '\x001.',
    pattern: /\0(1\.\d+\.\d+)\0/,
  },
  {
    product: 'mariadb',
    cpe: 'mariadb:mariadb',
    names: ['mariadbd', 'mysqld'],
    anchor: '-MariaDB',
    pattern: /\0(?:5\.5\.5-)?(1\d\.\d+\.\d+)-MariaDB/,
  },
  {
    product: 'memcached',
    cpe: 'memcached:memcached',
    names: ['memcached'],
    anchor: '\0memcached ',
    pattern: /\0memcached (\d+\.\d+\.\d+)/,
  },
  {
    product: 'varnish',
    cpe: 'varnish-software:varnish_cache',
    names: ['varnishd'],
    anchor: 'varnish-',
    pattern: /varnish-(\d+\.\d+\.\d+) revision/,
  },
];
