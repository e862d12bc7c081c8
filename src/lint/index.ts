export { DOCKERFILE_RULES, lintDockerfile } from './dockerfile/lint-dockerfile.ts';
export { IMAGE_RULES, lintImage } from './image/lint-image.ts';
export { checkRuleNames } from './rule-names.ts';
export { type LintProblem, type LintSeverity, reaches } from './types.ts';
