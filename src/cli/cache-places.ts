import type { CachePlace, CachePlaces } from '../build/index.ts';
import { cliError } from './errors.ts';

/** Registries of `--cache-from` and `--cache-to`, with the credentials that every command uses. */
export async function openCachePlaces(
  from: readonly string[],
  to: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly places: CachePlaces; close(): void }> {
  if (from.length === 0 && to === undefined) return { places: { from: [] }, close: () => undefined };
  const [{ parseReference }, { createRegistryClient }] = await Promise.all([
    import('../oci/index.ts'),
    import('../registry/index.ts'),
  ]);
  const open = (text: string) => {
    const reference = parseReference(text);
    if (reference.kind !== 'docker' || reference.digest !== undefined) {
      throw cliError(
        'CLI_USAGE',
        `a build cache is a repository of a registry, not ${JSON.stringify(text.slice(0, 100))}`,
      );
    }
    return { client: createRegistryClient(reference.registry, { signal }), repository: reference.repository };
  };
  const sources = from.map(open);
  const target = to === undefined ? undefined : open(to);
  const places: CachePlaces = { from: sources, ...(target === undefined ? {} : { to: target satisfies CachePlace }) };
  return {
    places,
    close: () => {
      for (const { client } of [...sources, ...(target === undefined ? [] : [target])]) client.close();
    },
  };
}
