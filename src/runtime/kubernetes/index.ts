export { kubernetesErrors } from './errors.ts';
export { createKubernetesRuntime, type KubernetesRuntimeOptions } from './runtime.ts';
