import type { FlatTree } from '../../../oci/index.ts';
import { patchError } from '../errors.ts';
import { resolvesToFile } from '../resolves-to-file.ts';
import type { RootScript } from './apk-root.ts';
import type { ApkState } from './apk-state.ts';

const SHELL = '/bin/sh';
const APK = 'apk-tools';

export interface MustRun {
  readonly mustRun: boolean;
  /** Names of scripts that cannot run, and of which none ever did. */
  readonly skipped: readonly string[];
}

/** The program that the kernel starts for a script (`#!/bin/sh -e`). */
export function interpreterOf(script: Uint8Array): string {
  const [line = ''] = Buffer.from(script.subarray(0, 256)).toString('latin1').split('\n', 1);
  return /^#!\s*(\S+)/.exec(line)?.[1] ?? SHELL;
}

/**
 * Do scripts have to run? Where an image has neither their interpreter nor a trace of one (distroless images, which
 * builders assemble without running anything), none ever ran in it, and none has to now.
 *
 * @throws PATCH_SCRIPTS_NEEDED scripts ran in the image, and cannot any more
 */
export function whatMustRun(scripts: readonly RootScript[], tree: FlatTree, state: ApkState): MustRun {
  const missing = scripts.filter(({ content }) => !resolvesToFile(interpreterOf(content), tree));
  if (missing.length === 0) return { mustRun: scripts.length > 0, skipped: [] };
  const trace = missing.map(({ content }) => interpreterOf(content)).find((path) => hadInterpreter(path, state));
  const names = missing.map(({ name }) => name);
  if (missing.length === scripts.length && trace === undefined) return { mustRun: false, skipped: names };
  const interpreters = [...new Set(missing.map(({ content }) => interpreterOf(content)))].join(', ');
  throw patchError(
    'PATCH_SCRIPTS_NEEDED',
    `${names.slice(0, 5).join(', ')} would have to run, and the image has no ${interpreters}`,
    { hint: 'Rebuild it from its recipe or Dockerfile, or leave the packages out with --package.' },
  );
}

/** Was there an apk to run scripts, or does a package still claim the interpreter? */
function hadInterpreter(path: string, state: ApkState): boolean {
  const name = path.replace(/^\/+/, '');
  return (
    state.records.has(APK) || state.records.has('busybox') || state.owners.has(name) || state.owners.has(`usr/${name}`)
  );
}
