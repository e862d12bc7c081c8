/** A simple command of a shell line. */
export interface ShellCommand {
  readonly words: readonly string[];
  /** What it hands its output to: `curl … | sh`. */
  readonly pipedInto: readonly string[] | undefined;
}

const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*=/;

/** What a shell text is made of. A quote that is never closed reaches to the end. */
const TOKEN = new RegExp(
  [
    String.raw`(?<gap>(?:[^\S\n]|\\\r?\n)+|\\$)`,
    String.raw`(?<redirection>\d*(?:>>?|<)&?(?:\d|-)?)`,
    String.raw`(?<comment>#[^\n]*)`,
    String.raw`(?<operator>&&|\|\||;;|[;|&\n()])`,
    `'(?<single>[^']*)'?`,
    String.raw`"(?<double>(?:\\[^]|[^"\\])*)\\?"?`,
    String.raw`\\(?<escaped>[^])`,
    // A # inside a word is part of it.
    String.raw`(?<plain>[^\s;|&()'"\\<>]+)`,
  ].join('|'),
  'gy',
);

/**
 * The simple commands of a shell text, without the variables that stand in front of them. Good for looking at, not for
 * running: expansions stay as they are written, here-documents count as text of the line.
 */
export function shellCommands(text: string): readonly ShellCommand[] {
  const commands: { readonly words: readonly string[]; readonly isPiped: boolean }[] = [];
  let words: string[] = [];
  let word: string | undefined;
  const endWord = (): void => {
    if (word !== undefined && !(words.length === 0 && ASSIGNMENT.test(word))) words.push(word);
    word = undefined;
  };
  const endCommand = (isPiped: boolean): void => {
    endWord();
    if (words.length > 0) commands.push({ words, isPiped });
    words = [];
  };
  for (const { groups = {} } of text.matchAll(TOKEN)) {
    const { operator, gap, redirection, comment } = groups;
    if (operator !== undefined) endCommand(operator === '|');
    else if (gap !== undefined || redirection !== undefined || comment !== undefined) endWord();
    else word = (word ?? '') + (groups.single ?? groups.double ?? groups.escaped ?? groups.plain ?? '');
  }
  endCommand(false);
  return commands.map((command, at) => ({
    words: command.words,
    pipedInto: command.isPiped ? commands[at + 1]?.words : undefined,
  }));
}
