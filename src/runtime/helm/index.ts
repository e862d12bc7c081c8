export { changedLines } from './changes.ts';
export { findHelm } from './program.ts';
export { createHelmRuntime, type HelmRuntime, type HelmRuntimeOptions, type HelmSimulation } from './runtime.ts';
