/** Bundles for machines without network. */
export { type ExportBundleOptions, type ExportedBundle, exportBundle } from './export-bundle.ts';
export { type ImportBundleOptions, type ImportedBundle, importBundle } from './import-bundle.ts';
export { isBundle } from './read-bundle.ts';
