export { type CrawlOptions, crawl } from './crawl.ts';
export { engineSource } from './engine-source.ts';
export { crawlError } from './errors.ts';
export { folderSource } from './folder-source.ts';
export { type KeepCrawlingOptions, keepCrawling, type ScheduledSource } from './keep-crawling.ts';
export { type RegistrySourceOptions, registrySource } from './registry-source.ts';
export { type CrawlStatus, crawlStatuses } from './status-store.ts';
export type { CrawlFailure, CrawlReport, CrawlSource } from './types.ts';
export { workloadSource } from './workload-source.ts';
