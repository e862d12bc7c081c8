import type { Command } from 'commander';
import type { NewSecret } from '../../http/index.ts';
import { withAccounts } from '../accounts.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { expiryOf } from '../expiry.ts';
import { addFormat, json } from '../format-option.ts';
import { addGlobalOptions } from '../global-options.ts';
import { readPassword } from '../password-input.ts';
import { renderAccounts } from '../render/accounts.ts';

interface Options {
  readonly format: OutputFormat;
  readonly expires?: string;
  readonly label?: string;
  readonly replace?: boolean;
  readonly secret?: string;
  readonly role?: string;
  readonly on: string;
}

const HELP = `
Roles on repositories, each with what the one before may: pull, push, delete, admin. On the server: view (API and page),
metrics (/metrics alone), report (what heraklit agent --report tells, nothing else). An admin of ** administers accounts too.
Patterns: team/app, team/* (one level), team/** (any depth), ** (all).
Grants go to an account, to group:NAME of an identity provider, or to anonymous: everybody.

Examples:
  heraklit account add alice --role push --on 'team/**' < password-file
  heraklit account robot ci --role push --on 'team/**' --expires 90d
  heraklit account grant anonymous pull 'public/**'
  heraklit account list --format json
`;

export function register(command: Command, context: CliContext): void {
  command.addHelpText('after', HELP);
  const sub = (usage: string, summary: string): Command =>
    addGlobalOptions(addFormat(command.command(usage))).description(summary);
  const granting = (one: Command): Command =>
    one
      .option('--role <role>', 'also give it this role')
      .option('--on <pattern>', 'repositories the role is for', '**')
      .option('--expires <when>', 'a date, or 90d, 12h from now');

  granting(sub('add <name>', 'add a person; the password comes from stdin')).action((name: string, options: Options) =>
    add('person', name, options, context),
  );
  granting(sub('robot <name>', 'add a robot and print its secret, this once')).action(
    (name: string, options: Options) => add('robot', name, options, context),
  );
  sub('list', 'accounts, their secrets and grants').action((options: Options) =>
    withAccounts(context, async (accounts) => {
      const all = await accounts.list();
      context.print(options.format === 'json' ? json(all) : renderAccounts(all));
    }),
  );
  sub('remove <name>', 'remove an account, its secrets, grants and sessions').action((name: string, options: Options) =>
    done(context, options, { removed: name }, (accounts) => accounts.remove(name)),
  );
  sub('passwd <name>', 'a new password from stdin; what was signed in with the old one ends').action(
    async (name: string, options: Options) => {
      const password = await readPassword(`new password of ${name}`);
      await done(context, options, { changed: name }, (accounts) => accounts.setPassword(name, password));
    },
  );
  sub('secret <name>', 'one more secret of an account, printed this once')
    .option('--label <text>', 'what it is for')
    .option('--replace', 'end all other secrets of the account')
    .option('--expires <when>', 'a date, or 90d, 12h from now')
    .action((name: string, { label, replace, expires, format }: Options) =>
      withAccounts(context, async (accounts) => {
        const secret = {
          ...(label === undefined ? {} : { label }),
          ...(replace === true ? { replace } : {}),
          ...(expires === undefined ? {} : { expires: expiryOf(expires) }),
        };
        printSecret(context, format, name, await accounts.addSecret(name, secret));
      }),
    );
  sub('revoke-secret <name> <id>', 'end one secret; its number is in the list').action(
    (name: string, id: string, options: Options) =>
      done(context, options, { revoked: Number(id) }, (accounts) => accounts.removeSecret(name, Number(id))),
  );
  sub('sign-out <name>', 'end all tokens and sessions of an account').action((name: string, options: Options) =>
    done(context, options, { signedOut: name }, (accounts) => accounts.signOut(name)),
  );
  sub('grant <to> <role> [pattern]', 'give a role to an account, group:NAME or anonymous').action(
    (to: string, role: string, on: string | undefined, options: Options) =>
      done(context, options, { granted: { to, role, on: on ?? '**' } }, (accounts) =>
        accounts.grant({ to, role, on: on ?? '**' }),
      ),
  );
  sub('revoke <to> <role> [pattern]', 'take a role back').action(
    (to: string, role: string, on: string | undefined, options: Options) =>
      done(context, options, { revoked: { to, role, on: on ?? '**' } }, (accounts) =>
        accounts.revoke({ to, role, on: on ?? '**' }),
      ),
  );
  sub('rotate-keys', 'sign tokens with a new key from now on').action((options: Options) =>
    done(context, options, { rotated: true }, (accounts) => accounts.rotateKeys()),
  );
}

type Accounts = Parameters<Parameters<typeof withAccounts>[1]>[0];

async function add(kind: 'person' | 'robot', name: string, options: Options, context: CliContext): Promise<void> {
  const expires = options.expires === undefined ? {} : { expires: expiryOf(options.expires) };
  const password = kind === 'person' ? { password: await readPassword(`password of ${name}`) } : {};
  await withAccounts(context, async (accounts) => {
    const secret = await accounts.add({ name, kind, ...password, ...expires });
    const { role, on } = options;
    if (role !== undefined) await accounts.grant({ to: name, role, on });
    if (kind === 'robot') printSecret(context, options.format, name, secret);
    else if (options.format === 'json') context.print(json({ added: name }));
  });
}

/** The table form is the secret alone, to be piped into `podman login --password-stdin`. */
function printSecret(context: CliContext, format: OutputFormat, name: string, { id, secret = '' }: NewSecret): void {
  context.print(format === 'json' ? json({ name, id, secret }) : secret);
}

async function done(
  context: CliContext,
  { format }: Options,
  what: object,
  work: (accounts: Accounts) => Promise<void>,
): Promise<void> {
  await withAccounts(context, work);
  if (format === 'json') context.print(json(what));
}
