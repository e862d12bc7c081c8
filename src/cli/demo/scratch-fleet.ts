import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Home, packageFile } from '../../base/index.ts';
import { createSandbox } from '../../runtime/sandbox/index.ts';

const EXAMPLE = fileURLToPath(packageFile('examples/fleet'));

/** What images need without maintainer scripts that essential packages would have brought. */
const SCRIPTLESS_BASE = 'packages: [base-files, base-passwd, bash, coreutils, dash, libc-bin, ';

/** Why maintainer scripts cannot run here; undefined when they can. */
export async function sandboxProblem(home: Home): Promise<string | undefined> {
  await mkdir(home.scratch, { recursive: true });
  const mountPoint = join(home.scratch, 'probe');
  await mkdir(mountPoint, { recursive: true });
  try {
    const sandbox = await createSandbox({ mountPoint });
    await sandbox.close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await rm(mountPoint, { recursive: true, force: true });
  }
}

/** A copy of the example fleet; where no sandbox is to be had, changed so that no maintainer script has to run. */
export async function copyFleet(folder: string, withScripts: boolean): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await cp(EXAMPLE, folder, { recursive: true, filter: (source) => !source.endsWith('.lock') });
  if (!withScripts) {
    const images = join(folder, 'images');
    for (const name of (await readdir(images)).filter((file) => file.endsWith('.yaml'))) {
      await writeFile(join(images, name), withoutScripts(name, await readFile(join(images, name), 'utf8')));
    }
  }
  return join(folder, 'heraklit.yaml');
}

function withoutScripts(name: string, recipe: string): string {
  if (/^scripts:/m.test(recipe)) return recipe;
  const text = name === 'base.yaml' ? recipe.replace('packages: [', SCRIPTLESS_BASE) : recipe;
  return text.replace(/^name:.*$/m, '$&\nscripts: none');
}
