export {
  createGitopsRuntime,
  type GitopsLook,
  type GitopsOptions,
  type GitopsPreview,
  type GitopsRuntime,
} from './runtime.ts';
