export { createKubernetesRuntime, type KubernetesRuntimeOptions } from './runtime.ts';
