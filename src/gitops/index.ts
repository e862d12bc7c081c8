export { createGitopsRuntime, type GitopsOptions } from './runtime.ts';
