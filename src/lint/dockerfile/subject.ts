import {
  type Dockerfile,
  DockerfileParser,
  type From,
  type Instruction,
  type ModifiableInstruction,
} from 'dockerfile-ast';
import { lintError } from '../errors.ts';
import { type ShellCommand, shellCommands } from './shell-commands.ts';

/** Bytes of a Dockerfile; long ones have 20,000. */
export const MAX_DOCKERFILE_BYTES = 1024 * 1024;
const MAX_INSTRUCTIONS = 10_000;

/** A RUN with what its shell runs. */
export interface RunStep {
  readonly instruction: Instruction;
  /** From 1. */
  readonly line: number;
  readonly commands: readonly ShellCommand[];
  /** Targets of `--mount=type=cache`. */
  readonly cached: readonly string[];
}

export interface Stage {
  readonly from: From;
  readonly instructions: readonly Instruction[];
  readonly runs: readonly RunStep[];
}

/** A Dockerfile as rules look at it. */
export interface DockerfileSubject {
  readonly file: Dockerfile;
  readonly instructions: readonly Instruction[];
  readonly stages: readonly Stage[];
}

export const lineOf = (instruction: Instruction): number => instruction.getRange().start.line + 1;

/** @throws LINT_DOCKERFILE_UNREADABLE */
export function readDockerfile(text: string): DockerfileSubject {
  if (Buffer.byteLength(text) > MAX_DOCKERFILE_BYTES) {
    throw unreadable(`it has more than ${MAX_DOCKERFILE_BYTES} bytes`);
  }
  if (text.includes('\0')) throw unreadable('it is no text');
  const file = DockerfileParser.parse(text);
  const instructions = file.getInstructions();
  if (instructions.length === 0) throw unreadable('it has no instruction');
  if (instructions.length > MAX_INSTRUCTIONS) throw unreadable(`it has more than ${MAX_INSTRUCTIONS} instructions`);
  return { file, instructions, stages: stagesOf(instructions) };
}

const unreadable = (why: string) => lintError('LINT_DOCKERFILE_UNREADABLE', `this is no Dockerfile: ${why}`);

function stagesOf(instructions: readonly Instruction[]): readonly Stage[] {
  const stages: { readonly from: From; readonly instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    if (instruction.getKeyword() === 'FROM') stages.push({ from: instruction as From, instructions: [] });
    else stages.at(-1)?.instructions.push(instruction);
  }
  return stages.map((stage) => ({
    ...stage,
    runs: stage.instructions.filter((one) => one.getKeyword() === 'RUN').map(runStep),
  }));
}

/** `--name=value` in front of the arguments. */
export function flagsOf(instruction: Instruction): readonly { readonly name: string; readonly value: string }[] {
  if (!('getFlags' in instruction)) return [];
  return (instruction as ModifiableInstruction)
    .getFlags()
    .map((flag) => ({ name: flag.getName(), value: flag.getValue() ?? '' }));
}

function runStep(instruction: Instruction): RunStep {
  const cached = flagsOf(instruction)
    .filter((flag) => flag.name === 'mount' && /(?:^|,)type=cache(?:,|$)/.test(flag.value))
    .map(({ value }) => /(?:^|,)(?:target|dst|destination)=([^,]+)/.exec(value)?.[1] ?? '');
  const text = instruction.getRawArgumentsContent() ?? '';
  return { instruction, line: lineOf(instruction), commands: commandsOf(text), cached };
}

/** The exec form is one command; the shell form may be many. */
function commandsOf(text: string): readonly ShellCommand[] {
  if (text.trimStart().startsWith('[')) {
    try {
      const words: unknown = JSON.parse(text);
      if (Array.isArray(words) && words.every((word) => typeof word === 'string')) {
        // `["sh", "-c", "…"]` is the shell form in other words.
        const script =
          /(?:^|\/)(?:ba|da|a|z)?sh$/.test(words[0] ?? '') && /^-\w*c$/.test(words[1] ?? '') ? words[2] : undefined;
        return script === undefined ? [{ words, pipedInto: undefined }] : shellCommands(script);
      }
    } catch {
      // Docker takes what is no JSON for the shell form.
    }
  }
  return shellCommands(text);
}
