/** `npm run docs`: writes the pages that are derived from the code. */
import { writeFileSync } from 'node:fs';
import { readErrorCatalogue, renderErrorCatalogue } from './error-catalogue.ts';

writeFileSync(new URL('../docs/errors.md', import.meta.url), renderErrorCatalogue(await readErrorCatalogue()));
