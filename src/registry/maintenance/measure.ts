import { sql } from 'kysely';
import type { Database } from '../../database/index.ts';

/** What all repositories together serve. */
export interface RegistryMeasure {
  readonly repositories: number;
  readonly blobs: number;
  /** Of blobs, each counted once however many repositories serve it; those of unknown size are left out. */
  readonly bytes: number;
}

export async function measureRegistry({ kysely }: Database): Promise<RegistryMeasure> {
  const { rows } = await sql<{ repositories: string; blobs: string; bytes: string }>`select
      (select count(*) from registry_repository) as repositories, count(*) as blobs, coalesce(sum(size), 0) as bytes
    from (select max(size) as size from registry_blob group by digest) as blob`.execute(kysely);
  const [row] = rows;
  return {
    repositories: Number(row?.repositories ?? 0),
    blobs: Number(row?.blobs ?? 0),
    bytes: Number(row?.bytes ?? 0),
  };
}
