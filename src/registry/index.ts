export type { CatalogueEntry, Page, Published, PublishOptions, RegistryCatalogue } from './catalogue/catalogue.ts';
export { createMemoryCatalogue } from './catalogue/memory.ts';
export { createSqlCatalogue } from './catalogue/sql.ts';
export { registryError, registryErrors } from './errors.ts';
export { DEFAULT_REGISTRY_LIMITS, type RegistryLimits } from './server/limits.ts';
export type { RegistryAction, RegistryServerOptions } from './server/options.ts';
export { registryRoutes } from './server/routes.ts';
