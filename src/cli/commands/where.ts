import { type Command, Option } from 'commander';
import type { FleetQueries, Place, WhereAdvisory, WhereDigest, WhereFile } from '../../http/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { askFleet } from '../fleet-queries.ts';
import { addFormat, json } from '../format-option.ts';
import { rowLimit } from '../point-in-time.ts';

const HELP = `
Answers from the inventory: images that heraklit built, watches, or that \`scan --record\` put there. Versions compare
as the package format itself orders them. Name one thing: a package, or --file, --soname, --digest, --cve.

USED says whether the image's command, another program or a library is linked against the package; ? where the image was
recorded before that was told and not read since. --usage keeps such images: it hides nothing that is not known. loaded: a host reports (heraklit agent --report) that a
container of the image runs it now.

A file counts where the finished image shows it; programs, libraries, configuration and language manifests are known.
--cve tells which images miss a fix (or have none to get), and which have it: from update checks and imported
advisories.

Examples:
  heraklit where libssl3t64
  heraklit where libssl3t64 --version '<3.5.1-1+deb13u1' --image 'registry.example.com/team/*'
  heraklit where libssl3t64 --usage entrypoint
  heraklit where lodash --type npm --version '<4.17.21'
  heraklit where --file /usr/bin/curl
  heraklit where --file 'log4j-core-*.jar'
  heraklit where --soname libssl.so.3
  heraklit where --digest sha256:…
  heraklit where --cve CVE-2026-1234 --state missing
`;

interface WhereOptions {
  readonly version?: string;
  readonly type?: string;
  readonly usage?: 'entrypoint' | 'linked' | 'loaded';
  readonly file?: string;
  readonly soname?: string;
  readonly digest?: string;
  readonly cve?: string;
  readonly state?: 'missing' | 'affected' | 'fixed';
  readonly image?: string;
  readonly superseded?: boolean;
  readonly limit: string;
  readonly after?: string;
  readonly format: OutputFormat;
}

export function register(command: Command, context: CliContext): void {
  addFormat(command.argument('[package]', 'package name'))
    .option('--version <range>', "of a package: '<1.2', '>=1 <2', '1.2-3' (exactly)")
    .option('--type <format>', 'of a package: deb, rpm, apk, alpm, npm, pypi, …')
    .addOption(
      new Option(
        '--usage <how>',
        'of a package: only where that, or anything, is linked against it, or it runs',
      ).choices(['entrypoint', 'linked', 'loaded']),
    )
    .option('--file <path>', 'a path, a name in any folder, or a glob')
    .option('--soname <name>', 'a shared library by the name it gives itself')
    .option('--digest <sha256>', 'of an image, a base, a layer (diff id) or a file’s content')
    .option('--cve <id>', 'an advisory: CVE id, or its own')
    .addOption(new Option('--state <state>', 'with --cve').choices(['missing', 'affected', 'fixed']))
    .option('--image <glob>', 'only images whose reference matches; * matches any text, ? one character')
    .option('--superseded', 'also images that nothing names or runs any more')
    .option('--limit <n>', 'rows at most', '1000')
    .option('--after <cursor>', 'go on where a page ended (`next` in the JSON)')
    .addHelpText('after', HELP)
    .action((name: string | undefined, options: WhereOptions) => run(name, options, context));
}

/** What was found, in the shape of its question. */
type Answer =
  | { readonly kind: 'package'; readonly name: string; readonly rows: readonly Place[]; readonly next: string | null }
  | { readonly kind: 'file'; readonly answer: WhereFile }
  | { readonly kind: 'digest'; readonly answer: WhereDigest }
  | { readonly kind: 'advisory'; readonly answer: WhereAdvisory };

async function run(name: string | undefined, options: WhereOptions, context: CliContext): Promise<void> {
  const { file, soname, digest, cve } = options;
  if ([name, file, soname, digest, cve].filter((one) => one !== undefined).length !== 1) {
    throw cliError('CLI_USAGE', 'name one thing: a package, --file, --soname, --digest or --cve');
  }
  if (name === undefined && [options.version, options.type, options.usage].some((one) => one !== undefined)) {
    throw cliError('CLI_USAGE', '--version, --type and --usage belong to a package');
  }
  const limit = rowLimit(options.limit);
  if (options.version !== undefined) {
    // Wrong use is told before a database is opened.
    const { parseVersionRange } = await import('../../inventory/index.ts');
    parseVersionRange(options.version);
  }
  const page = {
    limit,
    ...(options.image === undefined ? {} : { image: options.image }),
    ...(options.after === undefined ? {} : { after: options.after }),
  };
  const answer = await askFleet(context, (queries) => ask(queries, name, options, page));
  const { answerJson, answerTable } = await import('../render/where.ts');
  const shown = answer.kind === 'package' && options.superseded !== true ? withoutSuperseded(answer) : answer;
  if (options.format === 'json') context.print(json(answerJson(shown)));
  else context.print(answerTable(shown));
  const next = shown.kind === 'package' ? shown.next : shown.answer.next;
  if (next !== null) context.log.warn(`more rows follow: add --after ${next}`);
  if (shown.kind === 'file') warnUnread(shown.answer.unread, options, context);
}

async function ask(
  queries: FleetQueries,
  name: string | undefined,
  options: WhereOptions,
  page: { readonly limit: number; readonly image?: string; readonly after?: string },
): Promise<Answer> {
  const { file, soname, digest, cve, version, type, usage, state } = options;
  if (file !== undefined) return { kind: 'file', answer: await queries.whereFile({ path: file, ...page }) };
  if (soname !== undefined) return { kind: 'file', answer: await queries.whereFile({ soname, ...page }) };
  if (digest !== undefined) return { kind: 'digest', answer: await queries.whereDigest({ digest, ...page }) };
  if (cve !== undefined) {
    const answer = await queries.whereAdvisory({ advisory: cve, ...(state === undefined ? {} : { state }), ...page });
    return { kind: 'advisory', answer };
  }
  const { places, next } = await queries.where({
    package: name as string,
    ...(version === undefined ? {} : { version }),
    ...(type === undefined ? {} : { type }),
    ...(usage === undefined ? {} : { usage }),
    ...page,
  });
  return { kind: 'package', name: name as string, rows: places, next };
}

/** Images that something names, or that run. */
function withoutSuperseded(answer: Extract<Answer, { kind: 'package' }>): Answer {
  const rows = answer.rows.filter((row) => row.reference !== row.digest || row.workloads.length > 0);
  return { ...answer, rows };
}

function warnUnread(unread: WhereFile['unread'], options: WhereOptions, context: CliContext): void {
  if (unread.images > 0) context.log.warn(`${unread.images} images have layers that were never read for their files`);
  if (options.soname !== undefined && unread.layersWithoutNames > 0) {
    context.log.warn(`libraries of ${unread.layersWithoutNames} layers were not read: --soname does not find them`);
  }
}
