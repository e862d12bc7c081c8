import { DockerfileParser, type From, type Instruction, type ModifiableInstruction } from 'dockerfile-ast';
import { rebuildError } from '../errors.ts';
import { expand } from './expand.ts';

/** Bytes of a Dockerfile; long ones have 20,000. */
export const MAX_DOCKERFILE_BYTES = 1024 * 1024;
const MAX_INSTRUCTIONS = 10_000;

/** Another image that a Dockerfile names. */
export interface ImageUse {
  /** Variables replaced. */
  readonly name: string;
  /** Of `FROM --platform`, variables replaced; undefined: the platform that is built for. */
  readonly platform: string | undefined;
  /** From 1. */
  readonly line: number;
  /** Where the name stands in the text. */
  readonly start: number;
  readonly end: number;
}

export interface ReadDockerfile {
  readonly text: string;
  /** Of all stages, in the order of the text. */
  readonly uses: readonly ImageUse[];
  /** http and https URLs that ADD instructions name. */
  readonly urls: readonly string[];
  /** Names of stages; those without one have their number. */
  readonly stages: readonly string[];
  /** Line of a `# syntax=` directive, which would fetch another builder. */
  readonly syntax: { readonly start: number; readonly end: number } | undefined;
}

export interface ReadOptions {
  readonly buildArgs: Readonly<Record<string, string>>;
  /** `linux/amd64`: what TARGETPLATFORM and the like are. */
  readonly platform: string;
  readonly buildPlatform: string;
}

interface Position {
  readonly line: number;
  readonly character: number;
}

/**
 * What a Dockerfile names besides its context: base images of all stages, images of COPY --from and RUN --mount, URLs.
 * @throws REBUILD_DOCKERFILE_INVALID
 */
export function readDockerfile(text: string, options: ReadOptions): ReadDockerfile {
  if (Buffer.byteLength(text) > MAX_DOCKERFILE_BYTES) throw invalid(`it has more than ${MAX_DOCKERFILE_BYTES} bytes`);
  if (text.includes('\0')) throw invalid('it is no text');
  const file = DockerfileParser.parse(text);
  const instructions = file.getInstructions();
  if (instructions.length > MAX_INSTRUCTIONS) throw invalid(`it has more than ${MAX_INSTRUCTIONS} instructions`);
  if (!instructions.some((one) => one.getKeyword() === 'FROM')) throw invalid('it has no FROM');
  const reading = new Reading(text, options, globalArguments(instructions, options));
  for (const instruction of instructions) reading.take(instruction);
  const { uses, urls, stages } = reading;
  return { text, uses, urls, stages, syntax: syntaxOf(text) };
}

/** What is known so far, from the first instruction on. */
class Reading {
  readonly uses: ImageUse[] = [];
  readonly urls: string[] = [];
  readonly stages: string[] = [];
  readonly #offset: (position: Position) => number;
  readonly #options: ReadOptions;
  readonly #globals: ReadonlyMap<string, string>;
  #scope: Map<string, string>;

  constructor(text: string, options: ReadOptions, globals: ReadonlyMap<string, string>) {
    this.#offset = offsets(text);
    this.#options = options;
    this.#globals = globals;
    this.#scope = new Map(globals);
  }

  take(instruction: Instruction): void {
    const line = instruction.getRange().start.line + 1;
    switch (instruction.getKeyword()) {
      case 'FROM':
        this.#from(instruction as From, line);
        return;
      case 'ARG':
        declare(instruction, this.#scope, this.#globals, this.#options);
        return;
      case 'ENV':
        for (const [key, value] of assignments(instruction, this.#scope)) this.#scope.set(key, value);
        return;
      case 'ADD':
        this.urls.push(...urlsOf(instruction, this.#scope, line));
    }
    for (const { name, range } of imagesOf(instruction)) this.#other(name, range, line);
  }

  #from(from: From, line: number): void {
    const range = from.getImageRange();
    if (range === null) throw invalid(`line ${line}: FROM names no image`);
    const name = expand(from.getImage() ?? '', this.#globals);
    if (name === '') throw invalid(`line ${line}: the name of the base is empty; a build argument is missing`);
    const asked = from.getPlatformFlag()?.getValue() ?? undefined;
    const platform = asked === undefined ? undefined : expand(asked, this.#globals);
    if (name !== 'scratch' && !this.#isStage(name)) this.#use(name, platform, range, line);
    this.stages.push(from.getBuildStage() ?? String(this.stages.length));
    this.#scope = new Map(builtIn(this.#options));
  }

  #other(name: string, range: NamedImage['range'], line: number): void {
    if (name.includes('$')) throw invalid(`line ${line}: an image that depends on a variable cannot be pinned`);
    if (!/^\d+$/.test(name) && !this.#isStage(name)) this.#use(name, undefined, range, line);
  }

  #use(name: string, platform: string | undefined, range: NamedImage['range'], line: number): void {
    this.uses.push({ name, platform, line, start: this.#offset(range.start), end: this.#offset(range.end) });
  }

  #isStage(name: string): boolean {
    return this.stages.some((stage) => stage.toLowerCase() === name.toLowerCase());
  }
}

const invalid = (why: string): Error =>
  rebuildError('REBUILD_DOCKERFILE_INVALID', `the Dockerfile cannot be built: ${why}`);

function offsets(text: string): (position: Position) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return ({ line, character }) => (starts[line] ?? text.length) + character;
}

function builtIn({ platform, buildPlatform }: ReadOptions): Map<string, string> {
  const values = new Map<string, string>();
  for (const [prefix, name] of [
    ['TARGET', platform],
    ['BUILD', buildPlatform],
  ] as const) {
    const [os = '', architecture = '', variant = ''] = name.split('/');
    for (const [key, value] of [
      ['PLATFORM', name],
      ['OS', os],
      ['ARCH', architecture],
      ['VARIANT', variant],
    ] as const)
      values.set(`${prefix}${key}`, value);
  }
  return values;
}

/** ARG in front of the first FROM: what FROM lines may use. */
function globalArguments(instructions: readonly Instruction[], options: ReadOptions): ReadonlyMap<string, string> {
  const globals = builtIn(options);
  for (const instruction of instructions) {
    if (instruction.getKeyword() === 'FROM') break;
    if (instruction.getKeyword() === 'ARG') declare(instruction, globals, globals, options);
  }
  return globals;
}

function declare(
  instruction: Instruction,
  scope: Map<string, string>,
  globals: ReadonlyMap<string, string>,
  { buildArgs }: ReadOptions,
): void {
  for (const [name, value] of assignments(instruction, scope)) {
    const given = buildArgs[name] ?? (value === '' ? globals.get(name) : undefined) ?? value;
    scope.set(name, given);
  }
}

/** `NAME=VALUE …` of ARG and ENV. */
function assignments(
  instruction: Instruction,
  scope: ReadonlyMap<string, string>,
): readonly (readonly [string, string])[] {
  return instruction.getArguments().flatMap((argument) => {
    const [, name, value = ''] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$/s.exec(argument.getValue()) ?? [];
    return name === undefined ? [] : [[name, expand(unquoted(value), scope)] as const];
  });
}

const unquoted = (text: string): string => /^(["'])(.*)\1$/s.exec(text)?.[2] ?? text;

interface NamedImage {
  readonly name: string;
  readonly range: { readonly start: Position; readonly end: Position };
}

/** Images of `COPY --from=…` and `RUN --mount=from=…`. */
function imagesOf(instruction: Instruction): readonly NamedImage[] {
  if (!('getFlags' in instruction)) return [];
  return (instruction as ModifiableInstruction).getFlags().flatMap((flag) => {
    const holder = flag.getName() === 'mount' ? flag.getOption('from') : flag.getName() === 'from' ? flag : null;
    const [name, range] = [holder?.getValue(), holder?.getValueRange()];
    return name == null || range == null || name === '' ? [] : [{ name, range }];
  });
}

function urlsOf(instruction: Instruction, scope: ReadonlyMap<string, string>, line: number): readonly string[] {
  const sources = instruction
    .getArguments()
    .slice(0, -1)
    .map((argument) => expand(unquoted(argument.getValue()), scope));
  return sources.flatMap((source) => {
    if (/^(?:git@|git:|ssh:)/.test(source) || /^https?:\/\/.*\.git(?:#.*)?$/.test(source)) {
      throw invalid(`line ${line}: ADD of a git repository needs the network; fetch it beside the Dockerfile`);
    }
    return /^https?:\/\//.test(source) ? [source] : [];
  });
}

function syntaxOf(text: string): ReadDockerfile['syntax'] {
  const found = /^(?:#[ \t]*[a-z]+[ \t]*=.*\r?\n)*?(#[ \t]*syntax[ \t]*=[^\n]*)/i.exec(text);
  if (found === null) return undefined;
  const start = found[0].length - (found[1] as string).length;
  return { start, end: found[0].length };
}
