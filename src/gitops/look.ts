import type { Digest } from '../oci/index.ts';
import type { Workload } from '../runtime/index.ts';
import { type Branch, readBlobs, type TreeFile, yamlFiles } from './branch.ts';
import { notesOf } from './deployers.ts';
import { formatImageName } from './image-name.ts';
import type { Place } from './place-forms.ts';
import { parseFile, placesOf } from './places.ts';
import { writerOf } from './writer.ts';

/** A file of a branch that names images. */
export interface FilePlaces {
  readonly file: TreeFile;
  readonly text: string;
  readonly places: readonly Place[];
  /** Who writes it, and is left to. */
  readonly writer: Workload['managedBy'];
}

export interface Looked {
  readonly files: readonly FilePlaces[];
  /** What people should know of how files get to clusters, with the file. */
  readonly notes: readonly string[];
}

/** Every file of a folder at a commit that names images. */
export async function lookAt(
  branch: Branch,
  tip: string,
  folder: string,
  writers: 'leave' | 'override' = 'leave',
): Promise<Looked> {
  const files = await yamlFiles(branch, tip, folder);
  const contents = await readBlobs(
    branch,
    files.map(({ blob }) => blob),
  );
  const notes: string[] = [];
  const found = files.flatMap((file) => {
    const text = contents.get(file.blob) ?? '';
    const documents = parseFile(text);
    notes.push(...notesOf(documents).map((note) => `${file.path}: ${note}`));
    const places = placesOf(text, documents);
    const writer = writers === 'override' ? undefined : writerOf(text);
    return places.length === 0 ? [] : [{ file, text, places, writer }];
  });
  return { files: found, notes };
}

export function workloadOf(name: string, { file, places, writer }: FilePlaces): Workload {
  const containers = places.map((place) => ({
    name: place.name,
    image: formatImageName(place.image),
    digest: place.image.digest as Digest | undefined,
  }));
  const first = containers[0] as (typeof containers)[number];
  return {
    id: `gitops:${name}/${file.path}`,
    kind: 'file',
    ...{ name: file.path, namespace: '', image: first.image, digest: first.digest, containers, replicas: 0 },
    ...(writer === undefined ? {} : { managedBy: writer }),
  };
}
