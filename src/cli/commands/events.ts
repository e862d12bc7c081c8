import type { Command } from 'commander';
import type { EventRecord } from '../../http/index.ts';
import type { CliContext } from '../context.ts';
import { cliError } from '../errors.ts';
import { openFleetAccess } from '../fleet-access.ts';
import { addFormat } from '../format-option.ts';

interface EventsOptions {
  readonly after: string;
  readonly follow?: boolean;
  readonly type?: readonly string[];
  readonly format: 'table' | 'json';
}

const HELP = `
Every step leaves a CloudEvents 1.0 event that commits with its state. One line per event; --format json prints one
JSON object per line, in commit order. Where heraklit serve holds the home, its server is asked.

Examples:
  heraklit events --after 120
  heraklit events --follow --type image.released image.quarantined
`;

/** Events asked for at a time. */
const PAGE = 500;
/** Milliseconds between looks at a database that another process may write to. */
const POLL = 1_000;

export function register(command: Command, context: CliContext): void {
  addFormat(command)
    .option('--after <sequence>', 'only what came after this one', '0')
    .option('--follow', 'go on with what comes, until interrupted')
    .option('--type <type...>', 'only these: image.outdated, image.built, image.released, …')
    .addHelpText('after', HELP)
    .action((options: EventsOptions) => run(options, context));
}

async function run(options: EventsOptions, context: CliContext): Promise<void> {
  const after = Number(options.after);
  if (!Number.isSafeInteger(after) || after < 0) {
    throw cliError('CLI_USAGE', `--after takes a sequence number, not ${JSON.stringify(options.after)}`);
  }
  const { eventLine } = await import('../../events/index.ts');
  const wanted = options.type?.map((type) => (type.startsWith('io.heraklit.') ? type : `io.heraklit.${type}`));
  const show = (event: EventRecord): void => {
    if (wanted?.includes(event.type) === false) return;
    context.print(options.format === 'json' ? JSON.stringify(event) : `${event.sequence}  ${eventLine(event)}`);
  };
  const access = await openFleetAccess(context);
  if (access.kind === 'database') {
    try {
      await fromDatabase(access.database, after, options.follow === true, show, context.signal);
    } finally {
      await access.database.close();
    }
  } else if (options.follow === true) {
    for await (const event of access.server.followEvents(after, context.signal)) show(event);
  } else {
    for (let at = after; ; ) {
      const { events } = await access.server.events(at);
      for (const event of events) show(event);
      const last = events.at(-1);
      if (last === undefined) return;
      at = last.sequence;
    }
  }
}

type Open = Extract<Awaited<ReturnType<typeof openFleetAccess>>, { kind: 'database' }>['database'];

async function fromDatabase(
  database: Open,
  after: number,
  follow: boolean,
  show: (event: EventRecord) => void,
  signal: AbortSignal,
): Promise<void> {
  const [{ readEvents }, { setTimeout: sleep }] = await Promise.all([
    import('../../events/index.ts'),
    import('node:timers/promises'),
  ]);
  for (let at = after; !signal.aborted; ) {
    const events = await readEvents(database.kysely, { after: at, limit: PAGE });
    for (const event of events) show(event);
    at = events.at(-1)?.sequence ?? at;
    if (events.length === PAGE) continue;
    if (!follow) return;
    await sleep(POLL, undefined, { signal }).catch(() => undefined);
  }
}
