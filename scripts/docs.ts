/** `npm run docs`: writes what is derived: the pages of error codes and lint rules, and validators from schemas. */
import { writeFileSync } from 'node:fs';
import { readErrorCatalogue, renderErrorCatalogue } from './error-catalogue.ts';
import { lintPage } from './lint-rules.ts';
import { COMPILED_SCHEMAS, renderValidator } from './validators.ts';

writeFileSync(new URL('../docs/errors.md', import.meta.url), renderErrorCatalogue(await readErrorCatalogue()));
writeFileSync(new URL('../docs/lint.md', import.meta.url), lintPage());
for (const name of COMPILED_SCHEMAS) {
  writeFileSync(new URL(`../schemas/${name}.validate.cjs`, import.meta.url), renderValidator(name));
}
