/** A run of letters, escapes and quoted text without blanks between. */
const WORD = /(?:[^\s"'\\]|\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'[^']*')+/g;
const PIECE = /\\([\s\S])|"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'/g;

/** A command line as the Compose Specification reads one: words, quotes and backslashes, and nothing of a shell besides. */
export const commandLine = (text: string): readonly string[] =>
  (text.match(WORD) ?? []).map((word) =>
    word.replace(
      PIECE,
      (_, escaped?: string, double?: string, single?: string) =>
        escaped ?? double?.replace(/\\(["\\$`])/g, '$1') ?? single ?? '',
    ),
  );
