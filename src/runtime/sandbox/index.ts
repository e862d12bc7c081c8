export { createSandbox } from './sandbox.ts';
export type { Change, Recording, RunLimits, RunOptions, RunResult, Sandbox, SandboxOptions } from './types.ts';
export { enterUserNamespace } from './user-namespace.ts';
