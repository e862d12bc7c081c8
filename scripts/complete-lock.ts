/**
 * Adds the platform packages of other systems to package-lock.json.
 *
 * npm leaves an optional platform package out of the lock when the registry at hand does not serve it (a mirror that
 * only carries Linux builds, say), and then `npm ci` refuses the lock as out of sync, on every platform. The entries
 * added here carry name, version, os and cpu, which is all npm needs to skip them; on the platform they are for, npm
 * fetches them without an integrity value from the lock.
 *
 * It also drops `engines` from optional packages: npm leaves an optional package out, without a word, when the Node
 * that runs npm is not in its range; but heraklit runs on the Node it pins, whatever Node npm was started by.
 * Run it after every change of dependencies.
 */
import { readFileSync, writeFileSync } from 'node:fs';

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  engines?: unknown;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const OPERATING_SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const PROCESSORS = [
  'arm64',
  'arm',
  'ia32',
  'loong64',
  'mips64el',
  'mips64',
  'ppc64',
  'riscv64',
  's390x',
  'wasm32',
  'x64',
];

function platformOf(name: string): { os?: string[]; cpu?: string[]; libc?: string[] } {
  const words = name.split(/[/@-]/);
  const os = OPERATING_SYSTEMS.filter((word) => words.includes(word));
  const cpu = PROCESSORS.filter((word) => words.includes(word));
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => /^gnu/.test(word))
      ? ['glibc']
      : [];
  return {
    ...(cpu.length > 0 ? { cpu } : {}),
    ...(os.length > 0 ? { os } : {}),
    ...(libc.length > 0 && os[0] === 'linux' ? { libc } : {}),
  };
}

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, LockEntry> };
let added = 0;
for (const entry of Object.values(lock.packages)) {
  for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const platform = platformOf(name);
    if (lock.packages[key] !== undefined || !/^\d/.test(range) || (platform.os ?? platform.cpu) === undefined) continue;
    lock.packages[key] = {
      version: range,
      ...(entry.dev === true ? { dev: true } : {}),
      optional: true,
      ...platform,
    } as LockEntry;
    added += 1;
  }
}
for (const entry of Object.values(lock.packages)) if (entry.optional === true) delete entry.engines;
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} platform packages added to package-lock.json`);
