import type { Usage } from '../../registry/index.ts';
import { renderTable } from './table.ts';
import { bytesText, count } from './words.ts';

/** One line a repository, largest first, and the whole below. */
export function renderUsage({ repositories, total }: Usage): string {
  const table = renderTable(repositories, [
    { title: 'REPOSITORY', value: ({ repository }) => repository },
    { title: 'TAGS', value: ({ tags }) => String(tags), align: 'right' },
    { title: 'MANIFESTS', value: ({ manifests }) => String(manifests), align: 'right' },
    { title: 'BLOBS', value: ({ blobs }) => String(blobs), align: 'right' },
    { title: 'BYTES', value: ({ bytes }) => bytesText(bytes), align: 'right' },
    { title: 'OWN', value: ({ exclusive }) => bytesText(exclusive), align: 'right' },
    { title: 'SHARED', value: ({ shared }) => bytesText(shared), align: 'right' },
  ]);
  return `${table}\n\n${total.repositories} repositories, ${count(total.blobs, 'distinct blob')}, ${bytesText(total.bytes)}`;
}
