export { createSandbox } from './sandbox.ts';
export type { Change, RunLimits, RunOptions, RunResult, Sandbox, SandboxOptions } from './types.ts';
