export type { CatalogueEntry, Page, Published, PublishOptions, RegistryCatalogue } from './catalogue/catalogue.ts';
export { createMemoryCatalogue } from './catalogue/memory.ts';
export { createSqlCatalogue } from './catalogue/sql.ts';
export { registryError, registryErrors } from './errors.ts';
