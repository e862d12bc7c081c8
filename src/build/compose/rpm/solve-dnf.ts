import { copyFile, mkdir, mkdtemp, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RepositoryMetadata, RepositoryPackage } from '../../../distro/index.ts';
import { createSandbox, type Sandbox } from '../../../runtime/sandbox/index.ts';
import { packageArchitecture } from '../architecture.ts';
import { composeError } from '../errors.ts';
import type { LockedPackage } from '../lock-form.ts';
import { locked, type ResolveInput, usableOf } from '../resolve.ts';
import type { ComposeRequest } from '../types.ts';
import { SOLVER } from './solver-program.ts';
import { PYTHON, rpmTools } from './tools.ts';

/** Where repositories and the root to be filled appear to dnf. */
const PLACE = 'var/cache/heraklit/compose';
/** Five minutes: Fedora's 70,000 packages take one. */
const TIMEOUT = 300_000;

interface Answer {
  readonly error?: string;
  readonly packages?: readonly (readonly [repository: string, path: string, name: string])[];
}

/**
 * The packages that dnf would install, from the verified metadata of the repositories: it runs in a sandbox without
 * network, over this machine's own files, and what it writes is thrown away.
 *
 * @param held packages that stay at their version
 * @throws COMPOSE_UNSOLVABLE with dnf's words, COMPOSE_NO_TOOL, SANDBOX_*
 */
export async function solveDnf(
  request: ComposeRequest,
  input: ResolveInput,
  held: readonly LockedPackage[],
): Promise<readonly LockedPackage[]> {
  await rpmTools();
  const { scratch, log } = request;
  await mkdir(scratch, { recursive: true });
  const mountPoint = await mkdtemp(join(scratch, 'dnf-'));
  try {
    const sandbox = await createSandbox({ mountPoint, ...(log ? { log } : {}) });
    try {
      return await ask(request, input, held, sandbox);
    } finally {
      await sandbox.close();
    }
  } finally {
    await rmdir(mountPoint);
  }
}

async function ask(
  request: ComposeRequest,
  input: ResolveInput,
  held: readonly LockedPackage[],
  sandbox: Sandbox,
): Promise<readonly LockedPackage[]> {
  const folder = await sandbox.directory('question');
  const snapshots = usableOf(input);
  const names = snapshots.map((_, at) => `r${at}`);
  for (const [at, { metadata, date }] of snapshots.entries()) {
    const files = (await metadata?.()) ?? [];
    await writeRepository(join(folder, PLACE, names[at] as string), files, date);
  }
  await mkdir(join(folder, PLACE, 'root'), { recursive: true });
  await sandbox.mount(['question', '/']);
  const result = await sandbox.run([PYTHON, '-c', SOLVER], {
    environment: { LC_ALL: 'C.UTF-8', HOME: `/${PLACE}`, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdin: JSON.stringify(questionOf(request, input, held, names)),
    limits: { timeout: TIMEOUT },
    ...(request.signal ? { signal: request.signal } : {}),
  });
  const answer = readAnswer(result.stdout.toString('utf8'));
  if (answer?.packages === undefined) {
    const why = answer?.error ?? result.stderr.toString('utf8').trim().split('\n').slice(-3).join('; ');
    throw composeError('COMPOSE_UNSOLVABLE', `${request.recipe.name}: dnf finds no answer: ${why.slice(0, 4000)}`, {
      hint: 'Ask for other versions, or add a repository that has what is missing.',
    });
  }
  const offers = new Map(
    snapshots.flatMap(({ packages }, at) =>
      packages.map((offer) => [`${names[at]} ${offer.filename}`, offer] as const),
    ),
  );
  return answer.packages.map(([repository, path, name]) => {
    const offer: RepositoryPackage | undefined = offers.get(`${repository} ${path}`);
    if (offer !== undefined) return locked(offer);
    throw composeError('COMPOSE_UNSOLVABLE', `dnf chose ${name} (${path}), which the index does not vouch for`, {
      hint: 'Its checksum in primary.xml is of a kind that is not taken: SHA-256 is needed.',
    });
  });
}

function readAnswer(text: string): Answer | undefined {
  try {
    return JSON.parse(text.slice(text.lastIndexOf('\n') + 1)) as Answer;
  } catch {
    return undefined;
  }
}

function questionOf(
  { recipe, architecture }: ComposeRequest,
  { distribution }: ResolveInput,
  held: readonly LockedPackage[],
  names: readonly string[],
): object {
  const [id = '', release = ''] = distribution.split('/');
  return {
    root: `/${PLACE}/root`,
    architecture: packageArchitecture(distribution, architecture),
    release,
    // Streams of modules are for releases of this platform.
    platform: `platform:${id === 'fedora' ? 'f' : 'el'}${release.split('.')[0]}`,
    recommends: recipe.recommends ?? false,
    exclude: recipe.exclude ?? [],
    packages: recipe.packages ?? [],
    hold: held.map(({ name, version, architecture: arch }) => [name, version, arch]),
    upgrade: null,
    repositories: names.map((name) => ({ name, folder: `/${PLACE}/${name}` })),
  };
}

/** The files of a verified state with an index of them: dnf trusts what this one says. */
async function writeRepository(folder: string, files: readonly RepositoryMetadata[], date: number): Promise<void> {
  const repodata = join(folder, 'repodata');
  await mkdir(repodata, { recursive: true });
  const parts: string[] = [];
  for (const { type, file, name, algorithm, checksum } of files) {
    await copyFile(file, join(repodata, name));
    const { size } = await stat(file);
    parts.push(
      `<data type="${type}"><checksum type="${algorithm}">${checksum}</checksum>` +
        `<location href="repodata/${name}"/><timestamp>${date}</timestamp><size>${size}</size></data>`,
    );
  }
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>${date}</revision>${parts.join('')}</repomd>\n`;
  await writeFile(join(repodata, 'repomd.xml'), text);
}
