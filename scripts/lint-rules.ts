import { DOCKERFILE_RULES, IMAGE_RULES } from '../src/lint/index.ts';

const rows = (rules: readonly { readonly id: string; readonly severity: string; readonly meaning: string }[]): string =>
  rules.map(({ id, severity, meaning }) => `| \`${id}\` | ${severity} | ${meaning} |`).join('\n');

/** The page docs/lint.md. */
export function lintPage(): string {
  return `# Lint rules

\`heraklit lint IMAGE|Dockerfile…\` names what is questionable about an image or a Dockerfile. Ids are stable: they are
what \`--ignore\` takes, and the comment \`# heraklit ignore=RULE,RULE\` before an instruction of a Dockerfile. An \`error\`
gives something away or cannot work, a \`warning\` should be mended, \`info\` is worth knowing; \`--fail-on\` (default
\`error\`) says from which on the exit code is 1. \`--format json\` gives rule, severity, message and place.

Layers are read once in their life, as with \`scan\`. Secrets are looked for in every layer, because a file that a later
layer deletes is in the image all the same; only their kind and line are kept, never what they say. They are found by
the names of files (keys, \`.npmrc\`, \`.netrc\`, \`.env\`, \`.docker/config.json\`, …) and what stands in them: a secret in a
file of another name is not seen.

## Images

| Rule | Severity | Meaning |
|---|---|---|
${rows(IMAGE_RULES)}

## Dockerfiles

| Rule | Severity | Meaning |
|---|---|---|
${rows(DOCKERFILE_RULES)}
`;
}
