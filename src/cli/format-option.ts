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

/** `json({ [name]: items })` printed as items come, so that a long list is never one text. */
export function listPrinter(
  name: string,
  print: (text: string) => void,
): { add(items: readonly unknown[]): void; end(): void } {
  // The last item waits for what follows it: a comma or the end.
  let last: string | undefined;
  const begin = `{\n  ${JSON.stringify(name)}: [`;
  return {
    add(items) {
      if (items.length === 0) return;
      const texts = items.map((item) => `    ${json(item).replaceAll('\n', '\n    ')}`);
      const ready = last === undefined ? texts : [last, ...texts];
      if (last === undefined) print(begin);
      last = ready.pop();
      if (ready.length > 0) print(`${ready.join(',\n')},`);
    },
    end() {
      print(last === undefined ? `${begin}]\n}` : `${last}\n  ]\n}`);
    },
  };
}
