export { type LoadedPackage, type Observation, type ObservedContainer, observeContainers } from './observe.ts';
