import { createWriteStream } from 'node:fs';
import { cp, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { isHeraklitError } from '../../base/index.ts';
import type { GitCredentials, Revision, Source, SourceBuild, Sources } from '../../source/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { addGlobalOptions } from '../global-options.ts';
import { renderDamage, renderRevision, renderRevisions } from '../render/sources.ts';

const LIST_HELP = `
What was fetched and is kept under sources/ of the home: each commit with the digest of its files. The same files are
kept once, whatever commits, refs or archives they came by.

Examples:
  heraklit source list
  heraklit source list --format json
`;

const FETCH_HELP = `
Fetches a git repository, an archive or a folder into the home and says which commit and which files it is. Fleets do this
by themselves. No hook, filter or configuration of the repository runs. LFS pointers stay pointers, and are named.

A git URL is https://HOST/PATH, ssh://[USER@]HOST[:PORT]/PATH or USER@HOST:PATH. An archive is a file or URL that ends in
.tar, .tar.gz, .tgz, .tar.xz, .tar.zst or .zip; a URL needs --sha256.

Examples:
  heraklit source fetch https://github.com/example/app --ref v1.4 --path image
  heraklit source fetch git@git.example.com:team/app.git --ssh-key deploy.key --known-hosts hosts
  heraklit source fetch https://example.com/app-1.4.tar.gz --sha256 SHA256
`;

const VERIFY_HELP = `
Reads every kept source and compares its digest. Exit code 1 when one is damaged or gone.

Examples:
  heraklit source verify
`;

const EXPORT_HELP = `
Writes a kept source as a folder, or as a tar archive where the name ends in .tar. Needs no network and no server. By the
digest of an image that a fleet composed from a source, the lock it was made with comes along: so a build of years ago is
made again, with heraklit build --locked.

Examples:
  heraklit source export 3f90a4ab -o app-3f90a4ab
  heraklit source export sha256:5d41402a -o app.tar
`;

interface FetchOptions {
  readonly ref?: string;
  readonly path?: string;
  readonly sha256?: string;
  readonly submodules?: boolean | readonly string[];
  readonly username?: string;
  readonly passwordFile?: string;
  readonly passwordEnv?: string;
  readonly helper?: string;
  readonly sshKey?: string;
  readonly knownHosts?: string;
  readonly caFile?: string;
  readonly insecure?: boolean;
  readonly format: OutputFormat;
}

interface FormatOptions {
  readonly format: OutputFormat;
}

export function register(command: Command, context: CliContext): void {
  addGlobalOptions(addFormat(command.command('list')))
    .description('commits and archives that are kept')
    .addHelpText('after', LIST_HELP)
    .action((options: FormatOptions) => list(options, context));
  addGlobalOptions(addFormat(command.command('fetch')))
    .description('take a git repository, archive or folder into the home')
    .argument('<location>', 'git URL, archive or folder')
    .option('--ref <ref>', 'branch, tag or commit (default: the server’s HEAD)')
    .option('--path <folder>', 'only this folder of it')
    .option('--sha256 <hex>', 'of an archive')
    .option('--submodules [host...]', 'also submodules on the same server, and on the named hosts')
    .option('--username <name>', 'at the git server')
    .option('--password-file <file>', 'with the password or token')
    .option('--password-env <name>', 'environment variable with the password or token')
    .option('--helper <name>', 'git credential helper')
    .option('--ssh-key <file>', 'private key for ssh')
    .option('--known-hosts <file>', 'keys of ssh servers')
    .option('--ca-file <file>', 'PEM with the authorities of the server')
    .option('--insecure', 'allow plain http and git')
    .addHelpText('after', FETCH_HELP)
    .action((location: string, options: FetchOptions) => fetchSource(location, options, context));
  addGlobalOptions(addFormat(command.command('verify')))
    .description('check that what is kept is whole')
    .addHelpText('after', VERIFY_HELP)
    .action((options: FormatOptions) => verify(options, context));
  addGlobalOptions(command.command('export'))
    .description('write a kept source as a folder or tar archive')
    .argument('<name>', 'commit, tree, or digest of an image made from one; or the beginning')
    .requiredOption('-o, --output <path>', 'folder that is not there yet, or FILE.tar')
    .addHelpText('after', EXPORT_HELP)
    .action((name: string, options: { readonly output: string }) => exportSource(name, options.output, context));
}

async function sourcesOf(context: CliContext): Promise<Sources> {
  const { openSources } = await import('../../source/index.ts');
  return openSources({ home: context.home, log: context.log, signal: context.signal });
}

async function list({ format }: FormatOptions, context: CliContext): Promise<void> {
  const revisions = await (await sourcesOf(context)).list();
  context.print(format === 'json' ? json({ sources: revisions }) : renderRevisions(revisions, Date.now()));
}

async function fetchSource(location: string, options: FetchOptions, context: CliContext): Promise<void> {
  const sources = await sourcesOf(context);
  const revision = await sources.fetch(await sourceOf(location, options));
  context.print(options.format === 'json' ? json(revision) : renderRevision(revision));
}

const ARCHIVE = /\.(?:tar|tgz|txz|zip|tar\.(?:gz|xz|zst))$/;

async function sourceOf(location: string, options: FetchOptions): Promise<Source> {
  const { ref, path, sha256 } = options;
  const within = path === undefined ? {} : { path };
  if (sha256 !== undefined || ARCHIVE.test(location)) {
    return { kind: 'archive', archive: { location, ...within, ...(sha256 === undefined ? {} : { sha256 }) } };
  }
  if ((await stat(location).catch(() => undefined))?.isDirectory() === true) {
    return { kind: 'folder', folder: { folder: location } };
  }
  const { submodules, caFile, insecure } = options;
  const credentials = credentialsOf(options);
  return {
    kind: 'git',
    git: {
      url: location,
      ...within,
      ...(ref === undefined ? {} : { ref }),
      ...(submodules === undefined ? {} : { submodules }),
      ...(caFile === undefined ? {} : { caFile }),
      ...(insecure === undefined ? {} : { insecure }),
      ...(credentials === undefined ? {} : { credentials }),
    },
  };
}

function credentialsOf(options: FetchOptions): GitCredentials | undefined {
  const named = {
    username: options.username,
    passwordFile: options.passwordFile,
    passwordEnv: options.passwordEnv,
    helper: options.helper,
    sshKeyFile: options.sshKey,
    knownHostsFile: options.knownHosts,
  };
  const given = Object.entries(named).filter(([, value]) => value !== undefined);
  return given.length === 0 ? undefined : (Object.fromEntries(given) as GitCredentials);
}

async function verify({ format }: FormatOptions, context: CliContext): Promise<void> {
  const sources = await sourcesOf(context);
  const revisions = await sources.list();
  const trees = new Map(revisions.map((one) => [one.tree, one] as const));
  const damaged: { readonly revision: Revision; readonly why: string }[] = [];
  let done = 0;
  for (const [tree, revision] of trees) {
    context.progress.update('sources', done, trees.size, revision.location);
    try {
      await sources.store.checkTree(tree);
    } catch (error) {
      if (!isHeraklitError(error, 'SOURCE_DAMAGED')) throw error;
      damaged.push({ revision, why: error.message });
    }
    done += 1;
  }
  context.settle();
  if (damaged.length > 0) context.foundOverThreshold();
  const facts = { trees: trees.size, revisions: revisions.length, damaged };
  context.print(format === 'json' ? json(facts) : renderDamage(facts));
}

async function exportSource(name: string, output: string, context: CliContext): Promise<void> {
  const sources = await sourcesOf(context);
  const build = await sources.store.findBuild(name);
  const revision = await sources.find(build?.tree ?? name);
  if ((await stat(output).catch(() => undefined)) !== undefined) {
    throw cliError('CLI_USAGE', `${output} is there already`, { hint: 'Name a path that is not there yet.' });
  }
  if (output.endsWith('.tar')) {
    await sources.store.checkTree(revision.tree);
    await pipeline(
      Readable.from(await sources.store.openTree(revision.tree)),
      createWriteStream(output, { flags: 'wx' }),
    );
  } else {
    const folder = await sources.folder(revision);
    await cp(folder, output, { recursive: true, verbatimSymlinks: true, errorOnExist: true });
  }
  const made = build === undefined || output.endsWith('.tar') ? [] : [await writeLock(output, build)];
  context.print([renderRevision(revision), `written to ${output}`, ...made].join('\n'));
}

/** The lock that an image was made with, beside its recipe. */
async function writeLock(folder: string, { recipe, lock, image, digest }: SourceBuild): Promise<string> {
  await writeFile(join(folder, `${recipe}.lock`), lock);
  return `${image} ${digest} again: heraklit build ${join(folder, recipe)} --locked -o REF`;
}
