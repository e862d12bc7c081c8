/** A module of a Go program. */
export interface GoModule {
  readonly path: string;
  /** With its `v`; `(devel)` for what was built from a work tree, '' where none is said. */
  readonly version: string;
  /** `h1:` and a hash of its files in base64 (go.sum). */
  readonly sum: string | undefined;
  /** What it was replaced with by go.mod: another module, or a folder (then without a version). */
  readonly replacement: GoModule | undefined;
}

/** What the Go linker writes into a program about how it was built. */
export interface GoBuild {
  /** `go1.22.3`, `go1.22.3 X:boringcrypto`, `devel go1.24-3f4af64 …` */
  readonly toolchain: string;
  /** Import path of the main package. */
  readonly path: string | undefined;
  readonly main: GoModule | undefined;
  readonly dependencies: readonly GoModule[];
  /** `-tags`, `CGO_ENABLED`, `vcs.revision`, `vcs.modified`, … */
  readonly settings: ReadonlyMap<string, string>;
}

/** Modules of one program; the largest have about 2,000. */
const MAX_MODULES = 100_000;

/**
 * Reads the module text of a program, as `go version -m` prints it.
 * Lines that no version of Go writes are passed over.
 * @see https://pkg.go.dev/runtime/debug#BuildInfo
 */
export function parseModuleText(toolchain: string, text: string): GoBuild {
  let path: string | undefined;
  let main: GoModule | undefined;
  const dependencies: GoModule[] = [];
  const settings = new Map<string, string>();
  const replace = (replacement: GoModule): void => {
    const last = dependencies.pop();
    if (last !== undefined) dependencies.push({ ...last, replacement });
    else if (main !== undefined) main = { ...main, replacement };
  };
  for (const line of text.split('\n')) {
    const tab = line.indexOf('\t');
    const [word, rest] = [line.slice(0, Math.max(0, tab)), line.slice(tab + 1)];
    if (word === 'path') path = rest;
    else if (word === 'mod') main = moduleOf(rest);
    else if (word === 'dep' && dependencies.length < MAX_MODULES) dependencies.push(moduleOf(rest));
    else if (word === '=>') replace(moduleOf(rest));
    else if (word === 'build') {
      const setting = settingOf(rest);
      if (setting !== undefined) settings.set(...setting);
    }
  }
  return { toolchain, path, main, dependencies, settings };
}

function moduleOf(fields: string): GoModule {
  const [path = '', version = '', sum = ''] = fields.split('\t');
  return { path, version, sum: sum === '' ? undefined : sum, replacement: undefined };
}

/** `key=value`; either side may be quoted as in Go. */
function settingOf(text: string): [string, string] | undefined {
  const quoted = /^("(?:[^"\\]|\\.)*"|`[^`]*`)=/.exec(text);
  const equals = quoted === null ? text.indexOf('=') : (quoted[1] as string).length;
  if (equals < 0) return undefined;
  return [unquote(text.slice(0, equals)), unquote(text.slice(equals + 1))];
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' };

/** A string as Go's strconv.Quote writes it; what is not quoted stands for itself. */
function unquote(text: string): string {
  if (/^`[^`]*`$/.test(text)) return text.slice(1, -1);
  if (!/^".*"$/s.test(text)) return text;
  return text
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/g, (whole, x, u, long, letter: string) => {
      const code = x ?? u ?? long;
      if (code === undefined) return ESCAPES[letter] ?? letter;
      const point = Number.parseInt(code, 16);
      return point > 0x10ffff ? whole : String.fromCodePoint(point);
    });
}
