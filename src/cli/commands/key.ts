import { type Command, Option } from 'commander';
import type { KeyAlgorithm, VerifyKey } from '../../attestation/index.ts';
import type { CliContext, OutputFormat } from '../context.ts';
import { cliError } from '../errors.ts';
import { addFormat, json } from '../format-option.ts';
import { readPassword } from '../password-input.ts';
import { passphraseFrom } from '../signing-keys.ts';

const HELP = `
Images and what is said of them are signed with a private key (fleet setting "signing", or attest sign --key) and
verified with its public key. Nothing is uploaded anywhere, and no key is ever overwritten.

Examples:
  heraklit key generate -o fleet                       fleet.key (0600) and fleet.pub; asks for a passphrase
  heraklit key generate -o fleet --form cosign         a key that cosign signs with, too
  heraklit key show fleet.pub

Rotation: make a second key, name it in "signing.key", and leave the old .pub in "signing.trust" (and with whoever
verifies) for as long as images signed with it run.
`;

interface GenerateOptions {
  readonly output: string;
  readonly algorithm: KeyAlgorithm;
  readonly form: 'pem' | 'cosign';
  readonly passphraseFile?: string;
  /** False with --no-passphrase. */
  readonly passphrase: boolean;
  readonly format: OutputFormat;
}

export function register(command: Command, context: CliContext): void {
  command.addHelpText('after', HELP);
  addFormat(command.command('generate'))
    .description('make a key pair to sign with')
    .requiredOption('-o, --output <prefix>', 'PREFIX.key and PREFIX.pub are written')
    .addOption(new Option('--algorithm <name>', 'kind of key').choices(['ecdsa-p256', 'ed25519']).default('ecdsa-p256'))
    .addOption(
      new Option('--form <form>', 'of the private key: PKCS #8 for openssl, or cosign’s own')
        .choices(['pem', 'cosign'])
        .default('pem'),
    )
    .option(
      '--passphrase-file <file>',
      'its first line; else HERAKLIT_KEY_PASSPHRASE or COSIGN_PASSWORD, else asked for',
    )
    .option('--no-passphrase', 'do not encrypt the private key')
    .action((options: GenerateOptions) => generate(options, context));
  addFormat(command.command('show'))
    .description('which public keys a file holds')
    .argument('<file>', 'PEM file with one or more public keys')
    .action((file: string, options: { readonly format: OutputFormat }) => show(file, options, context));
}

async function generate(options: GenerateOptions, context: CliContext): Promise<void> {
  const { generateKey } = await import('../../attestation/index.ts');
  const { output: prefix, algorithm, form } = options;
  const passphrase = options.passphrase ? await newPassphrase(options.passphraseFile) : undefined;
  const { privateFile, publicFile, key } = await generateKey({ prefix, algorithm, form, passphrase });
  const facts = { privateFile, publicFile, ...factsOf(key) };
  context.print(options.format === 'json' ? json(facts) : `${privateFile}\n${publicFile}  ${key.algorithm}  ${key.id}`);
}

async function newPassphrase(file: string | undefined): Promise<string> {
  const given = (await passphraseFrom(file)) ?? (await readPassword('passphrase of the new key'));
  if (given !== '') return given;
  throw cliError('CLI_USAGE', 'the passphrase is empty', {
    hint: 'Give one, or say --no-passphrase for a key that is not encrypted.',
  });
}

async function show(file: string, { format }: { readonly format: OutputFormat }, context: CliContext): Promise<void> {
  const { readTrustedKeys } = await import('../../attestation/index.ts');
  const keys = await readTrustedKeys(file);
  context.print(
    format === 'json'
      ? json({ keys: keys.map(factsOf) })
      : keys.map((key) => `${key.algorithm}  ${key.id}\n${key.pem}`).join('\n'),
  );
}

const factsOf = ({ id, algorithm, pem }: VerifyKey): object => ({ id, algorithm, pem });
