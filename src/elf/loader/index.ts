export { type Loaded, type LoadedObject, Loader, type LoaderOptions } from './load.ts';
export { type LoaderRoot, realPath } from './loader-root.ts';
