import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/index.ts';
import { digestHex } from '../oci/index.ts';
import type { EngineRuntime } from '../runtime/index.ts';
import type { CliContext } from './context.ts';
import { debianArchitecture } from './debian-architecture.ts';
import { type SourceOptions, workshopFrom } from './source-options.ts';

/** What one wants beside a program that does not do what it should. No maintainer script runs, so no root is needed. */
export const TOOLS_RECIPE = `apiVersion: heraklit/v1
kind: Image
name: debug-tools
distribution: debian/trixie
scripts: none
packages:
  - base-files
  - bash
  - busybox
  - coreutils
  - curl
  - dash
  - file
  - findutils
  - gdb
  - grep
  - iproute2
  - iputils-ping
  - less
  - lsof
  - netcat-openbsd
  - procps
  - psmisc
  - sed
  - strace
  - util-linux
config:
  cmd: [bash]
`;

/** An archive names its image after its file. */
const NAME = 'heraklit-debug-tools';

/**
 * The tools on an engine, composed from the distribution's packages: chosen once and locked in the home, chosen anew with
 * `update`; sent to an engine that does not have them yet.
 * @returns the reference under which the engine has them
 */
export async function toolsOnEngine(
  runtime: EngineRuntime,
  options: SourceOptions & { readonly updateTools?: boolean },
  context: CliContext,
): Promise<string> {
  const [{ buildRecipe }, { saveImage }] = await Promise.all([
    import('../engine/workshop/index.ts'),
    import('../transport/index.ts'),
  ]);
  const place = join(context.home.cache, 'debug-tools');
  await mkdir(place, { recursive: true });
  const recipe = join(place, 'tools.yaml');
  await writeFileAtomic(recipe, TOOLS_RECIPE);
  const workshop = await workshopFrom(options, context);
  const update = options.updateTools === true ? { update: true } : {};
  const built = await buildRecipe(recipe, { architecture: debianArchitecture(), ...update }, workshop);
  try {
    const tag = digestHex(built.image.digest).slice(0, 12);
    const reference = `${NAME}:${tag}`;
    const api = await runtime.api();
    if ((await api.image(reference)) !== undefined) return reference;
    await mkdir(context.home.scratch, { recursive: true });
    const folder = await mkdtemp(join(context.home.scratch, 'debug-tools-'));
    try {
      const file = join(folder, `${NAME}.tar`);
      await saveImage(built.image, { kind: 'docker-archive', file, tag }, { signal: context.signal });
      await api.loadImages(file, context.signal);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
    return reference;
  } finally {
    await built.close();
    context.settle();
  }
}
