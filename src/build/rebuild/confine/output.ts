import { stripVTControlCharacters } from 'node:util';

/** Shorter secrets are too likely to stand in a log by chance. */
const SHORTEST = 4;

/** Takes secrets out of what a build prints. */
export function createMask(secrets: readonly string[]): (text: string) => string {
  const words = [
    ...new Set(secrets.flatMap((secret) => [secret.trim(), ...secret.split('\n').map((line) => line.trim())])),
  ]
    .filter((word) => word.length >= SHORTEST)
    .sort((a, b) => b.length - a.length);
  return (text) => words.reduce((masked, word) => masked.replaceAll(word, '•••'), text);
}

export interface LineReader {
  push(chunk: Uint8Array): void;
  /** The last line, where it does not end with a newline. */
  end(): void;
}

/** Longest line that is told in one piece. */
const LONGEST = 16 * 1024;

/** Bytes of a stream → lines, without control characters that would drive a terminal. */
export function createLineReader(onLine: (line: string) => void): LineReader {
  const decoder = new TextDecoder();
  let rest = '';
  const tell = (line: string): void => {
    const plain = stripVTControlCharacters(line).replace(/[^\P{Cc}\t]/gu, '');
    if (plain.trim() !== '') onLine(plain);
  };
  return {
    push(chunk) {
      rest += decoder.decode(chunk, { stream: true });
      const lines = rest.split(/\r?\n|\r/);
      rest = lines.pop() ?? '';
      for (const line of lines) tell(line);
      if (rest.length > LONGEST) {
        tell(rest);
        rest = '';
      }
    },
    end() {
      tell(rest);
      rest = '';
    },
  };
}
