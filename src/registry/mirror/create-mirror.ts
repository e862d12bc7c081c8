import { type Clock, type Log, silentLog, systemClock } from '../../base/index.ts';
import type { BlobStore } from '../../storage/index.ts';
import type { RegistryCatalogue } from '../catalogue/catalogue.ts';
import { createRegistryClient, type RegistryClient } from '../client/client.ts';
import type { RegistryClientOptions } from '../client/options.ts';
import { DEFAULT_REGISTRY_LIMITS } from '../server/limits.ts';
import type { RegistryMirror } from './mirror.ts';
import { mirroredRepository } from './mirrored-repository.ts';
import { checkMirrorRules, type MirrorRule, mirrorTarget } from './rules.ts';
import { createShared } from './shared.ts';
import { createUpstreamHealth, type UpstreamHealth } from './upstream-health.ts';

export interface MirrorOptions {
  readonly rules: readonly MirrorRule[];
  readonly store: BlobStore;
  readonly catalogue: RegistryCatalogue;
  readonly log?: Log;
  readonly clock?: Clock;
  /** Bytes of one blob that are taken. */
  readonly blobBytes?: number;
  /** How the registries upstream are spoken to. */
  readonly client?: Omit<RegistryClientOptions, 'insecure'>;
}

/** Milliseconds that upstream may stand still: a client of ours waits meanwhile. */
const UPSTREAM_TIMEOUT = 20_000;

/** @throws REGISTRY_MIRROR_INVALID */
export function createMirror(options: MirrorOptions): RegistryMirror {
  const { rules, store, catalogue, log = silentLog, clock = systemClock } = options;
  checkMirrorRules(rules);
  const shared = createShared();
  const upstreams = new Map<string, { readonly client: RegistryClient; readonly health: UpstreamHealth }>();
  const upstreamOf = (registry: string, insecure: boolean) => {
    const key = `${registry} ${insecure}`;
    const known = upstreams.get(key);
    if (known !== undefined) return known;
    // One try: a client waits, and what is cached is better than a late answer.
    const retry = { attempts: 1, delay: 0 };
    const client = createRegistryClient(registry, { timeout: UPSTREAM_TIMEOUT, retry, ...options.client, insecure });
    const made = { client, health: createUpstreamHealth(clock) };
    upstreams.set(key, made);
    return made;
  };
  return {
    of(repository) {
      const target = mirrorTarget(rules, repository);
      if (target === undefined) return undefined;
      const { client, health } = upstreamOf(target.registry, target.rule.insecure === true);
      const blobBytes = options.blobBytes ?? DEFAULT_REGISTRY_LIMITS.blobBytes;
      return mirroredRepository(repository, target, {
        store,
        catalogue,
        client,
        health,
        shared,
        clock,
        log,
        blobBytes,
      });
    },
    async close() {
      for (const { client } of upstreams.values()) client.close();
    },
  };
}
