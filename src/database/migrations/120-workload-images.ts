import type { Migration } from './migration.ts';

export const workloadImages120: Migration = {
  name: '120-workload-images',
  statements: [
    "alter table workload add column role text not null default 'container', add column ready integer",
    // What copies run where they disagree, or run something else than workload.digest.
    `create table workload_replicas (
      id text not null,
      container text not null,
      digest text not null,
      replicas integer not null,
      primary key (id, container, digest)
    )`,
    'create index workload_replicas_digest on workload_replicas (digest)',
    // Other digests that mean an image: of its configuration, and of indexes that name it. Nodes tell any of them.
    `create table image_digest (
      digest text not null,
      image integer not null references image (id) on delete cascade,
      primary key (digest, image)
    )`,
    'create index image_digest_image on image_digest (image)',
    `insert into image_digest (digest, image)
      select distinct crawl_reference.digest, image.id from crawl_reference
      join image on image.digest = crawl_reference.image
      where crawl_reference.digest <> crawl_reference.image`,
    // Which container slots use an image, by whatever digest it is known there. Rows may come twice.
    `create view workload_image as
      select id, container, digest from workload where digest is not null
      union all select id, container, digest from workload_replicas
      union all select workload.id, workload.container, image.digest from image
        join image_digest on image_digest.image = image.id join workload on workload.digest = image_digest.digest
      union all select workload_replicas.id, workload_replicas.container, image.digest from image
        join image_digest on image_digest.image = image.id
        join workload_replicas on workload_replicas.digest = image_digest.digest`,
    // How the watch over each cluster is doing.
    `create table workload_source (
      name text primary key,
      synced timestamptz,
      failing timestamptz,
      problems text not null default '[]',
      workloads integer
    )`,
  ],
};
