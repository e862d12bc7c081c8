/**
 * Lets one worker at a time read a layer: two images that share a new layer would fetch it twice otherwise. Claims are
 * made all at once or not at all, so that nobody waits in a circle.
 */
export class Claims {
  readonly #held = new Map<string, Promise<void>>();

  /** Resolves when none of the keys is held by another; call what it gives when done. */
  async take(keys: readonly string[]): Promise<() => void> {
    for (;;) {
      const held = keys.flatMap((key) => this.#held.get(key) ?? []);
      if (held.length === 0) break;
      await Promise.all(held);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const key of keys) this.#held.set(key, promise);
    return () => {
      for (const key of keys) this.#held.delete(key);
      resolve();
    };
  }
}
