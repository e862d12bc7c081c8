import { ecosystemOf, type InstalledPackage, readStatus, type StatusDatabase } from '../../distro/index.ts';
import { flattenLayers, type ResolvedImage } from '../../oci/index.ts';
import type { LayerFactsReader } from '../layers/layer-facts.ts';
import { readFacts, topmostFile } from '../layers/read-facts.ts';
import type { LayerFacts } from '../layers/types.ts';
import type { BaseTree } from './tree.ts';

/** dpkg's database (dpkg(1), FILES). */
export const STATUS = 'var/lib/dpkg/status';

/** apk's, where it keeps it on roots with and without merged /usr. */
export const APK_DATABASES = ['lib/apk/db/installed', 'usr/lib/apk/db/installed'];

/** A base image with everything about it that does not depend on the child: computed once for a whole fleet. */
export interface PreparedBase extends BaseTree {
  readonly image: ResolvedImage;
  readonly facts: readonly LayerFacts[];
  /** dpkg's database; empty where there is none. */
  readonly status: StatusDatabase;
  /** What is installed, by dpkg or apk. */
  readonly packages: readonly InstalledPackage[];
  /** `ID VERSION_ID` of os-release(5); empty where it says neither. */
  readonly release: string;
}

/** Reads a base's layers (each once in its life) and flattens them. */
export async function prepareBase(image: ResolvedImage, layers: LayerFactsReader): Promise<PreparedBase> {
  const facts = await readFacts(image, layers);
  const status = readStatus(topmostFile(facts, STATUS) ?? new Uint8Array(), {
    what: `package database of ${image.digest}`,
  });
  const databases = APK_DATABASES.flatMap((path) => {
    const bytes = topmostFile(facts, path);
    return bytes === undefined ? [] : [[path, bytes] as const];
  });
  return {
    image,
    facts,
    tree: flattenLayers(facts.map((fact) => fact.index)),
    diffIds: image.config.rootfs.diff_ids,
    status,
    packages: [...status.packages, ...ecosystemOf('apk').readDatabase(new Map(databases)).packages],
    release: releaseOf(topmostFile(facts, 'usr/lib/os-release') ?? topmostFile(facts, 'etc/os-release')),
  };
}

function releaseOf(bytes: Uint8Array | undefined): string {
  const text = Buffer.from(bytes ?? new Uint8Array()).toString('utf8');
  const value = (name: string): string => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return `${value('ID')} ${value('VERSION_ID')}`.trim();
}
