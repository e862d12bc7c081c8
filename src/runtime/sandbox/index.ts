export { sandboxError, sandboxErrors } from './errors.ts';
export { DEFAULT_LIMITS } from './run.ts';
export { createSandbox } from './sandbox.ts';
export type { Change, RunLimits, RunOptions, RunResult, Sandbox, SandboxOptions } from './types.ts';
