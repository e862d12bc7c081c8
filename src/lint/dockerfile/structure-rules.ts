import { Arg, Cmd, Copy, Entrypoint, Env, type Instruction, PropertyInstruction } from 'dockerfile-ast';
import { givesSecretAway, isSecretName } from '../secret-names.ts';
import type { LintHit, LintRule } from '../types.ts';
import { type DockerfileSubject, flagsOf, lineOf, type Stage } from './subject.ts';

const KEYWORDS: ReadonlySet<string> = new Set([
  ...['ADD', 'ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL', 'MAINTAINER'],
  ...['ONBUILD', 'RUN', 'SHELL', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'],
]);

/** Bases that are pulled: neither `scratch`, nor a stage before, nor what an argument decides. */
function* pulled({ stages }: DockerfileSubject): Generator<Stage & { readonly image: string }> {
  const names = new Set<string>();
  for (const stage of stages) {
    const image = stage.from.getImage() ?? '';
    const isOwn = image === 'scratch' || names.has(image.toLowerCase());
    const name = stage.from.getBuildStage();
    if (name !== null) names.add(name.toLowerCase());
    if (!isOwn && image !== '' && !image.includes('$')) yield { ...stage, image };
  }
}

const at = (instruction: Instruction, message: string): LintHit => ({ message, line: lineOf(instruction) });

const argumentsOf = (instruction: Instruction): readonly string[] =>
  instruction.getArguments().map((argument) => argument.getValue());

/** Rules over instructions: what they name, and in which order they stand. */
export const STRUCTURE_RULES: readonly LintRule<DockerfileSubject>[] = [
  {
    id: 'dockerfile-syntax',
    severity: 'error',
    meaning: 'A builder refuses the file: an unknown instruction, one without arguments, or one before the first FROM.',
    *check({ instructions, stages }) {
      if (stages.length === 0) yield { message: 'there is no FROM', line: 1 };
      let started = false;
      for (const instruction of instructions) {
        const keyword = instruction.getKeyword();
        if (!KEYWORDS.has(keyword)) {
          yield at(instruction, `there is no instruction ${JSON.stringify(keyword)}`);
        } else if (instruction.getArguments().length === 0) yield at(instruction, `${keyword} has no arguments`);
        if (keyword === 'FROM') started = true;
        else if (!started && keyword !== 'ARG' && KEYWORDS.has(keyword) && stages.length > 0) {
          yield at(instruction, `${keyword} stands before the first FROM`);
        }
      }
    },
  },
  {
    id: 'base-latest',
    severity: 'warning',
    meaning: 'A base by the tag `latest`, or by none, is another one tomorrow. Name a version.',
    *check(subject) {
      for (const { from, image } of pulled(subject)) {
        const tag = from.getImageTag();
        if (from.getImageDigest() === null && (tag === null || tag === 'latest')) {
          yield at(from, `${image} is ${tag === null ? 'without a tag' : 'the latest'}`);
        }
      }
    },
  },
  {
    id: 'base-without-digest',
    severity: 'info',
    meaning: 'A base by tag alone is not the same every day. A digest pins it; heraklit moves it when an update comes.',
    *check(subject) {
      for (const { from, image } of pulled(subject)) {
        if (from.getImageDigest() === null) yield at(from, `${image} is named without a digest`);
      }
    },
  },
  {
    id: 'stage-name-twice',
    severity: 'error',
    meaning: 'Two stages have one name: COPY --from takes only one of them.',
    *check({ stages }) {
      const seen = new Set<string>();
      for (const { from } of stages) {
        const name = from.getBuildStage()?.toLowerCase();
        if (name !== undefined && seen.has(name)) yield at(from, `a second stage ${JSON.stringify(name)}`);
        if (name !== undefined) seen.add(name);
      }
    },
  },
  {
    id: 'copy-from-later-stage',
    severity: 'error',
    meaning: 'COPY --from names its own stage, or one that comes later.',
    *check({ stages }) {
      for (const [index, { instructions }] of stages.entries()) {
        const later = stages.slice(index).map(({ from }) => from.getBuildStage()?.toLowerCase());
        const before = new Set(stages.slice(0, index).map(({ from }) => from.getBuildStage()?.toLowerCase()));
        for (const copy of instructions) {
          const source = copy instanceof Copy ? copy.getFromFlag()?.getValue()?.toLowerCase() : undefined;
          if (source === undefined || before.has(source)) continue;
          const isNumber = /^\d+$/.test(source) && Number(source) >= index;
          if (isNumber || later.includes(source)) yield at(copy, `--from=${source} is not built yet`);
        }
      }
    },
  },
  {
    id: 'last-user-root',
    severity: 'warning',
    meaning: 'The image runs as root. Make a user, and name it in the last USER.',
    *check({ stages }) {
      const last = stages.at(-1);
      if (last === undefined) return;
      const user = last.instructions.filter((one) => one.getKeyword() === 'USER').at(-1);
      const name = user === undefined ? undefined : argumentsOf(user)[0];
      // A base of one's own may set a user; nothing here says so.
      if (user === undefined) yield at(last.from, 'the last stage sets no USER');
      else if (/^(?:root|0)(?::|$)/.test(name ?? '')) yield at(user, `the last USER is ${name}`);
    },
  },
  {
    id: 'secret-in-dockerfile',
    severity: 'error',
    meaning: 'ARG and ENV stand in the image’s history and config. Use RUN --mount=type=secret.',
    *check({ instructions }) {
      for (const one of instructions) {
        if (!(one instanceof Arg || one instanceof Env)) continue;
        const properties = one instanceof PropertyInstruction ? one.getProperties() : [];
        for (const property of properties) {
          const [name, value] = [property.getName(), property.getValue() ?? ''];
          const isBuildSecret = one instanceof Arg && isSecretName(name);
          if (isBuildSecret || givesSecretAway(name, value))
            yield at(one, `${one.getKeyword()} ${name} holds a secret`);
        }
      }
    },
  },
  {
    id: 'several-commands',
    severity: 'warning',
    meaning: 'Of several CMD (or ENTRYPOINT, HEALTHCHECK) of a stage only the last counts.',
    *check({ stages }) {
      for (const { instructions } of stages) {
        for (const keyword of ['CMD', 'ENTRYPOINT', 'HEALTHCHECK']) {
          const all = instructions.filter((one) => one.getKeyword() === keyword);
          for (const lost of all.slice(0, -1)) yield at(lost, `a later ${keyword} takes its place`);
        }
      }
    },
  },
  {
    id: 'shell-form',
    severity: 'info',
    meaning: 'In the shell form the program is no process 1 and gets no signals. Write it as a JSON array.',
    *check({ stages }) {
      for (const one of stages.at(-1)?.instructions ?? []) {
        const isCommand = one instanceof Cmd || one instanceof Entrypoint;
        if (isCommand && one.getOpeningBracket() === null) yield at(one, `${one.getKeyword()} in the shell form`);
      }
    },
  },
  {
    id: 'relative-workdir',
    severity: 'warning',
    meaning: 'A relative WORKDIR depends on what stands before it, and on the base.',
    *check({ stages }) {
      for (const { instructions } of stages) {
        let known = false;
        for (const one of instructions.filter((each) => each.getKeyword() === 'WORKDIR')) {
          const [folder = ''] = argumentsOf(one);
          if (/^(?:["']?[/$]|[A-Za-z]:)/.test(folder)) known = true;
          else if (!known) yield at(one, `${folder} is relative`);
        }
      }
    },
  },
  {
    id: 'add-url',
    severity: 'warning',
    meaning: 'ADD of an address takes what is there that day. Give --checksum=sha256:….',
    *check({ instructions }) {
      for (const one of instructions.filter((each) => each.getKeyword() === 'ADD')) {
        const checked = flagsOf(one).some(({ name }) => name === 'checksum');
        const url = argumentsOf(one).find((argument) => /^https?:\/\//.test(argument));
        if (url !== undefined && !checked) yield at(one, 'an address without a checksum');
      }
    },
  },
  {
    id: 'add-for-copy',
    severity: 'info',
    meaning: 'ADD also unpacks and downloads; COPY does what it says.',
    *check({ instructions }) {
      for (const one of instructions.filter((each) => each.getKeyword() === 'ADD')) {
        const sources = argumentsOf(one).slice(0, -1);
        const special = sources.some((each) =>
          /^(?:https?|git|ssh):|^git@|\.(?:tar|tgz|tbz2?|txz|gz|bz2|xz|zst)\b|[*?$]/.test(each),
        );
        if (sources.length > 0 && !special) yield at(one, `ADD ${sources.join(' ')}`);
      }
    },
  },
  {
    id: 'maintainer',
    severity: 'info',
    meaning: 'MAINTAINER is out of use. LABEL org.opencontainers.image.authors=… says the same.',
    *check({ instructions }): Iterable<LintHit> {
      for (const one of instructions) if (one.getKeyword() === 'MAINTAINER') yield at(one, 'MAINTAINER');
    },
  },
];
