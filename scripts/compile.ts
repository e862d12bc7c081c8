/**
 * Compiles src/ into dist/: one file for each part that is loaded on demand, and one for each thread. A command then
 * opens a dozen files instead of hundreds, which is most of its start-up. Dependencies stay outside, but some. Beside
 * them lies the empty database that every home begins with.
 *
 * Each file is put in its place whole, the list of sources last: a heraklit that runs meanwhile, or another compile,
 * finds the old state or the new one. Files of earlier builds stay for a day, for processes that still load parts.
 */
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeTemplate, templateFile } from '../src/database/embedded/template.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const dist = join(root, 'dist');
/** What bin/heraklit.js compares with the sources, to know whether dist/ is what they compile to. */
const LIST = 'sources.json';
const KEPT_MILLISECONDS = 24 * 60 * 60 * 1000;

/** Plain JavaScript of many files that short commands load; their licences come along, in dist/licenses.md. */
const INLINED = ['yaml', 'commander', 'packageurl-js', '@cyclonedx/cyclonedx-library'];

const isTest = (file: string): boolean => file.endsWith('.test.ts') || /(?:^|\/)testing(?:\/|$)/.test(file);

/**
 * [path, modification time in milliseconds] of all that decides what comes out: sources, dependencies, this program, and
 * each folder, where a new file shows.
 */
function sources(): readonly (readonly [string, number])[] {
  return globSync(['src', 'src/**/', 'src/**/*.ts', 'scripts/compile.ts', 'package-lock.json'], { cwd: root })
    .filter((file) => !isTest(file))
    .sort()
    .map((file) => [file, statSync(join(root, file)).mtimeMs] as const);
}

/** True where dist/ was compiled of the sources as they are. */
export function isCompiled(): boolean {
  const list = join(dist, LIST);
  return existsSync(list) && readFileSync(list, 'utf8') === JSON.stringify(sources());
}

/** @returns false where the compiler is not installed (`npm ci --omit=dev`) */
export async function compile(): Promise<boolean> {
  const vite = await import('vite').catch(() => undefined);
  if (vite === undefined) return false;
  const list = sources();
  mkdirSync(dist, { recursive: true });
  const scratch = mkdtempSync(join(dist, '.build-'));
  const threads = list.map(([file]) => file).filter((file) => file.endsWith('-thread.ts'));
  const entries = ['src/cli/main.ts', ...threads].map((file) => [file.replace(/^.*\/|\.ts$/g, ''), join(root, file)]);
  try {
    await vite.build({
      root,
      configFile: false,
      ssr: { noExternal: INLINED },
      publicDir: false,
      logLevel: 'warn',
      build: {
        ssr: true,
        license: { fileName: 'licenses.md' },
        target: 'node24',
        outDir: scratch,
        minify: false,
        sourcemap: true,
        rolldownOptions: {
          input: Object.fromEntries(entries),
          output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
        },
      },
    });
    const template = basename(fileURLToPath(templateFile()));
    // A running heraklit may read it: the one of this release stays as it is.
    if (!existsSync(join(dist, template))) writeFileSync(join(scratch, template), await makeTemplate());
    const made = readdirSync(scratch);
    for (const file of made) renameSync(join(scratch, file), join(dist, file));
    writeFileSync(join(scratch, LIST), JSON.stringify(list));
    renameSync(join(scratch, LIST), join(dist, LIST));
    removeOld(new Set([...made, template, LIST]));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return true;
}

function removeOld(current: ReadonlySet<string>): void {
  const before = Date.now() - KEPT_MILLISECONDS;
  for (const file of readdirSync(dist).filter((name) => !current.has(name))) {
    const path = join(dist, file);
    if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? before) < before)
      rmSync(path, { recursive: true, force: true });
  }
}

if (import.meta.main) process.exitCode = (await compile()) ? 0 : 1;
