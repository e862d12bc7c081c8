import type { Command } from 'commander';
import type { Audit } from '../../http/index.ts';
import { withAccounts } from '../accounts.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { renderAudit } from '../render/accounts.ts';

interface AuditOptions {
  readonly format: OutputFormat;
  readonly actor?: string;
  readonly repository?: string;
  readonly action?: string;
  readonly before?: string;
  readonly limit: string;
}

const HELP = `
Every change of the registry and of accounts, and every refused sign-in or change, newest first. An entry commits with
the change it tells of. owner is who works on the server itself, heraklit its own loop. The fleet file's access.auditDays
says how long entries stay (a year).

Examples:
  heraklit audit --repository team/app
  heraklit audit --actor ci --action manifest.push --limit 1000 --format json
`;

const PAGE = 1_000;

export function register(command: Command, context: CliContext): void {
  addFormat(command)
    .option('--actor <name>', 'only what this account did')
    .option('--repository <name>', 'only this repository')
    .option('--action <kind>', 'only this kind: manifest.push, tag.delete, account.add, sign-in, …')
    .option('--before <id>', 'only entries older than this one')
    .option('--limit <number>', 'how many entries', '100')
    .addHelpText('after', HELP)
    .action((options: AuditOptions) => audit(options, context));
}

async function audit(options: AuditOptions, context: CliContext): Promise<void> {
  const { format, actor, repository, action } = options;
  const limit = positive('--limit', options.limit);
  const first = options.before === undefined ? undefined : positive('--before', options.before);
  const entries: Audit['entries'][number][] = [];
  let next: number | null = first ?? null;
  await withAccounts(context, async (accounts) => {
    do {
      const size = Math.min(PAGE, limit - entries.length);
      const before: { before?: string } = next === null ? {} : { before: String(next) };
      const page: Audit = await accounts.audit({ actor, repository, action, limit: String(size), ...before });
      entries.push(...page.entries);
      next = page.next;
    } while (next !== null && entries.length < limit);
  });
  context.print(format === 'json' ? json({ entries, next }) : renderAudit({ entries, next }));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw cliError('CLI_USAGE', `${name} takes a number above 0, not ${JSON.stringify(text)}`);
}
