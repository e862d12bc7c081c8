/**
 * npm's `prepare` step: builds the web page when its sources are newer than what was built, and compiles the sources.
 *
 * npm runs it after `npm ci` in a checkout, and again when `npx heraklit` links the checkout into its cache: so it is
 * quick when there is nothing to do, and quiet when the build tools are not installed (`npm ci --omit=dev`).
 */
import { existsSync, globSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile, isCompiled } from './compile.ts';

const root = new URL('../', import.meta.url);
const built = new URL('web/dist/index.html', root);
const web = fileURLToPath(new URL('web/', root));

function isCurrent(): boolean {
  if (!existsSync(built)) return false;
  const builtAt = statSync(built).mtimeMs;
  return globSync(['index.html', 'vite.config.ts', 'src/**/*'], { cwd: web }).every(
    (file) => statSync(new URL(file, `file://${web}`)).mtimeMs <= builtAt,
  );
}

if (existsSync(new URL('web/index.html', root)) && !isCurrent()) {
  const vite = await import('vite').catch(() => undefined);
  if (vite !== undefined) await vite.build({ root: web, logLevel: 'warn' });
}

if (existsSync(new URL('src/cli/main.ts', root)) && !isCompiled()) await compile();
