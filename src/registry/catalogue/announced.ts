import { randomUUID } from 'node:crypto';
import type { Database, DatabaseTransaction } from '../../database/index.ts';
import { type EventType, emit, type NewEvent } from '../../events/index.ts';
import type { Descriptor, Digest } from '../../oci/index.ts';
import type { Beside, CatalogueEntry, Published, PublishOptions, RegistryCatalogue } from './catalogue.ts';

const PUSHED: EventType = 'io.heraklit.registry.pushed';
const DELETED: EventType = 'io.heraklit.registry.deleted';

/**
 * A catalogue whose changes are announced: the event commits with the change. For what clients do over HTTP; the
 * engine announces its own publications itself. A push that changes nothing is no event.
 */
export function announcedCatalogue(catalogue: RegistryCatalogue, database: Database): RegistryCatalogue {
  const announcing = (entries: readonly CatalogueEntry[], options: PublishOptions): PublishOptions => {
    const beside: Beside<NewEvent> = {
      rows: (published) => published.flatMap((one) => pushed(one, descriptorOf(entries, one.digest))),
      write: emitWithin,
    };
    return { ...options, beside: [...(options.beside ?? []), beside as Beside] };
  };
  const deleting = async (
    trx: DatabaseTransaction | undefined,
    about: { readonly repository: string; readonly tag?: string; readonly digest?: Digest },
    work: (open: DatabaseTransaction) => Promise<boolean>,
  ): Promise<boolean> => {
    const announce = async (open: DatabaseTransaction): Promise<boolean> => {
      const gone = await work(open);
      const subject =
        about.tag === undefined ? `${about.repository}@${about.digest}` : `${about.repository}:${about.tag}`;
      if (gone) await emit(open, { type: DELETED, subject, data: about, key: randomUUID() });
      return gone;
    };
    return trx === undefined ? database.transaction(announce) : announce(trx);
  };
  return {
    ...catalogue,
    publishMany: (entries, options = {}) => catalogue.publishMany(entries, announcing(entries, options)),
    putManifest: (entry, options = {}) => catalogue.putManifest(entry, announcing([entry], options)),
    deleteTag: async (repository, tag, trx, named) => {
      const digest = named ?? (trx === undefined ? (await catalogue.resolve(repository, tag))?.digest : undefined);
      const about = { repository, tag, ...(digest === undefined ? {} : { digest }) };
      return deleting(trx, about, (open) => catalogue.deleteTag(repository, tag, open, named));
    },
    deleteManifest: (repository, digest, trx) =>
      deleting(trx, { repository, digest }, (open) => catalogue.deleteManifest(repository, digest, open)),
  };
}

const emitWithin: Beside<NewEvent>['write'] = async (events, trx) => {
  if (trx !== undefined) await emit(trx, events);
};

const descriptorOf = (entries: readonly CatalogueEntry[], digest: Digest): Descriptor | undefined =>
  entries.find(({ descriptor }) => descriptor.digest === digest)?.descriptor;

/**
 * A tag that moves to what it named before is a new event: the key is of this push alone. It is in the push's own
 * transaction, so a push that commits is announced once.
 */
function pushed({ repository, tag, digest, previous }: Published, descriptor: Descriptor | undefined): NewEvent[] {
  if (tag !== undefined && previous === digest) return [];
  const data = {
    repository,
    ...(tag === undefined ? {} : { tag }),
    digest,
    ...(previous === undefined ? {} : { previous }),
    ...(descriptor === undefined ? {} : { mediaType: descriptor.mediaType, size: descriptor.size }),
    ...(descriptor?.artifactType === undefined ? {} : { artifactType: descriptor.artifactType }),
  };
  const subject = tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`;
  return [{ type: PUSHED, subject, data, key: randomUUID() }];
}
