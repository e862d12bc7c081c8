import { AsyncLocalStorage } from 'node:async_hooks';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type Access, type AuditEntry, writeAudit } from '../../access/index.ts';
import type { Database, DatabaseTransaction } from '../../database/index.ts';
import type { Beside, PublishOptions, RegistryCatalogue } from '../../registry/index.ts';
import type { Door } from './door.ts';

/** The request that the running code answers. */
const current = new AsyncLocalStorage<FastifyRequest>();

/** Must come before the hooks that do anything asynchronous. */
export function rememberRequest(server: FastifyInstance): void {
  server.addHook('onRequest', (request, _reply, done) => current.run(request, done));
}

/**
 * A catalogue that writes down who changes it. What the entry tells of and the entry commit together; a linked blob,
 * which nobody sees before a manifest names it, is written down within a second.
 */
export function auditedCatalogue(
  catalogue: RegistryCatalogue,
  database: Database,
  door: Door,
  access: Access,
): RegistryCatalogue {
  const entry = (action: string, about: Pick<AuditEntry, 'repository' | 'reference' | 'digest'>): AuditEntry => {
    const request = current.getStore();
    const actor = request === undefined ? 'heraklit' : door.principalOf(request).name;
    return { actor, action, ...about, address: request?.ip, result: 'done' };
  };
  const inside = <T>(
    trx: DatabaseTransaction | undefined,
    work: (open: DatabaseTransaction) => Promise<T>,
  ): Promise<T> => (trx === undefined ? database.transaction(work) : work(trx));
  /** Deletes and tells of it, when there was something to delete. */
  const deleting = (
    trx: DatabaseTransaction | undefined,
    told: AuditEntry,
    work: (open: DatabaseTransaction) => Promise<boolean>,
  ): Promise<boolean> =>
    inside(trx, async (open) => {
      const gone = await work(open);
      if (gone) await writeAudit(open, [told]);
      return gone;
    });
  const write: Beside<AuditEntry>['write'] = async (told, trx) => {
    if (trx !== undefined) await writeAudit(trx, told);
    else for (const one of told) access.note(one);
  };
  /** Who pushes is asked now: pushes that come together share a transaction, which runs for one of them. */
  const telling = (options: PublishOptions): PublishOptions => {
    const who = entry('manifest.push', {});
    const beside: Beside<AuditEntry> = {
      rows: (published) =>
        published.map(({ repository, tag, digest }) => ({ ...who, repository, reference: tag, digest })),
      write,
    };
    return { ...options, beside: [...(options.beside ?? []), beside as Beside] };
  };

  return {
    ...catalogue,
    publishMany: (entries, options = {}) => catalogue.publishMany(entries, telling(options)),
    putManifest: (added, options = {}) => catalogue.putManifest(added, telling(options)),
    async deleteTag(repository, tag, trx, ...more) {
      const digest = trx === undefined ? (await catalogue.resolve(repository, tag))?.digest : undefined;
      const told = entry('tag.delete', { repository, reference: tag, digest });
      return deleting(trx, told, (open) => catalogue.deleteTag(repository, tag, open, ...more));
    },
    deleteManifest: (repository, digest, trx, ...more) =>
      deleting(trx, entry('manifest.delete', { repository, digest }), (open) =>
        catalogue.deleteManifest(repository, digest, open, ...more),
      ),
    async linkBlob(repository, digest, ...more) {
      await catalogue.linkBlob(repository, digest, ...more);
      access.note(entry('blob.push', { repository, digest }));
    },
    async unlinkBlob(repository, digest, ...more) {
      const gone = await catalogue.unlinkBlob(repository, digest, ...more);
      if (gone) access.note(entry('blob.delete', { repository, digest }));
      return gone;
    },
  };
}
