import type { Migration } from './migration.ts';

export const engine004: Migration = {
  name: '004-engine',
  statements: [
    // What the fleet's images are at now: one row an image, changed only together with its tag.
    `create table fleet_image (
      name text primary key,
      repository text not null,
      tag text not null,
      digest text,
      base_digest text,
      recipe_digest text,
      strategy text,
      tried_input text,
      tried text,
      released timestamptz
    )`,
    `create table quarantine (
      digest text primary key,
      image text not null,
      reason text not null,
      found_by text not null,
      since timestamptz not null,
      lifted timestamptz,
      times integer not null
    )`,
    `create table run (
      id text primary key,
      input text not null,
      attempt integer not null,
      fleet text not null,
      status text not null,
      started timestamptz not null,
      finished timestamptz,
      unique (input, attempt)
    )`,
    `create unique index run_one_at_a_time on run (fleet) where status = 'running'`,
    `create table task (
      run text not null references run on delete cascade,
      image text not null,
      level integer not null,
      base text,
      status text not null,
      step text,
      attempt integer not null default 0,
      reason text not null,
      strategy text not null,
      because text not null,
      own_need boolean not null,
      input text not null,
      recipe_digest text,
      repository text not null,
      tag text not null,
      previous text,
      previous_base text,
      previous_recipe text,
      digest text,
      base_digest text,
      result text,
      error text,
      updated timestamptz not null,
      primary key (run, image)
    )`,
    `create index task_base on task (run, base)`,
    `create index task_open on task (run) where step is not null`,
  ],
};
