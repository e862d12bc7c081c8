import { type Command, Option } from 'commander';

/** `--format` with the forms a command can print; the first is the default. */
export function addFormat(command: Command, formats: readonly string[] = ['table', 'json']): Command {
  return command.addOption(
    new Option('--format <format>', 'how to print the result').choices(formats).default(formats[0]),
  );
}

/** JSON for people and machines: indented, one document. */
export function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}
