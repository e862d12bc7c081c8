export { type CrawlOptions, crawl } from './crawl.ts';
export { engineSource } from './engine-source.ts';
export { crawlError } from './errors.ts';
export { folderSource } from './folder-source.ts';
export { type RegistrySourceOptions, registrySource } from './registry-source.ts';
export type { CrawlFailure, CrawlReport, CrawlSource } from './types.ts';
export { workloadSource } from './workload-source.ts';
