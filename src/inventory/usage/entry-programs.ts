/** Where a command is found, and what interprets it. */
export interface Commands {
  /** Real path of a command found by PATH and working folder; undefined where there is none. */
  find(command: string): string | undefined;
  /** Its first line without `#!`, where it is a script. */
  scriptLine(path: string): string | undefined;
  /** Interpreters that such a line asks for. */
  interpreters(line: string): readonly string[];
}

/** A script's interpreter may be a script again; Linux stops at 4. */
const MAX_SCRIPTS = 4;
/** Programs whose arguments are a command that they start. */
const STARTERS =
  /^(?:tini(?:-static)?|dumb-init|catatonit|docker-init|gosu|su-exec|setpriv|env|nice|nohup|exec|stdbuf|timeout|chpst)$/;
const SHELLS = /^(?:ba|da|a|z|k|mk)?sh$|^busybox$/;
const MAX_WORDS = 1000;

/**
 * Programs and scripts that a command line starts: the first word, who interprets it, and, behind what starts its
 * arguments (`tini --`, `docker-entrypoint.sh`, `sh -c`), the commands that stand there. What a script does otherwise
 * is not known.
 */
export function entryPrograms(command: readonly string[], commands: Commands): ReadonlySet<string> {
  const found = new Set<string>();
  const [first, ...rest] = command.slice(0, MAX_WORDS);
  if (first === undefined) return found;
  const program = start(first, commands, found, 0);
  if (program === undefined) return found;
  const name = nameOf(first);
  const isShell = SHELLS.test(name);
  if (isShell && rest.some((word) => /^-\w*c$/.test(word))) {
    for (const word of shellCommands(rest.at(rest.findIndex((one) => /^-\w*c$/.test(one)) + 1) ?? '')) {
      start(word, commands, found, 0);
    }
  } else if (STARTERS.test(name) || isShell || commands.scriptLine(program) !== undefined) {
    for (const word of rest) if (!word.startsWith('-') && word !== '') start(word, commands, found, 0);
  }
  return found;
}

function start(command: string, commands: Commands, found: Set<string>, depth: number): string | undefined {
  const path = commands.find(command);
  if (path === undefined) return undefined;
  found.add(path);
  const line = commands.scriptLine(path);
  if (line !== undefined && depth < MAX_SCRIPTS) {
    for (const interpreter of commands.interpreters(line)) start(interpreter, commands, found, depth + 1);
  }
  return path;
}

/** First words of the simple commands of a shell's text. */
function shellCommands(text: string): readonly string[] {
  const commands = text.slice(0, 65_536).split(/[;&|\n(){}]+/);
  return commands.slice(0, MAX_WORDS).flatMap((part) => {
    const words = part.trim().split(/\s+/);
    const own = words.filter((word) => !/^\w+=/.test(word) && word !== 'exec').map((word) => word.replace(/['"]/g, ''));
    const [first = '', second] = own;
    return STARTERS.test(nameOf(first)) && second !== undefined ? own.filter((word) => !word.startsWith('-')) : [first];
  });
}

const nameOf = (command: string): string => command.slice(command.lastIndexOf('/') + 1);
