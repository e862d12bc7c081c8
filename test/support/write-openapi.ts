/** Writes docs/openapi.json anew: `node test/support/write-openapi.ts`, after a route or a schema changed. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../src/base/index.ts';
import { apiDocument } from './api-document.ts';

const file = join(import.meta.dirname, '../../docs/openapi.json');
await writeFileAtomic(file, `${JSON.stringify(await apiDocument(), null, 2)}\n`);
