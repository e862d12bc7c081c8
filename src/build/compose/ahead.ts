/**
 * Loads items one after another in order while at most `count` more are already loading: whole layers are held in
 * memory, so not all of an image's at once.
 */
export async function* ahead<Item, Loaded>(
  items: readonly Item[],
  count: number,
  load: (item: Item) => Promise<Loaded>,
): AsyncGenerator<Loaded, void> {
  const loading: Promise<Loaded>[] = [];
  const start = (item: Item | undefined): void => {
    if (item === undefined) return;
    const promise = load(item);
    // Whoever awaits it sees the failure; until then it must not count as unhandled.
    promise.catch(() => undefined);
    loading.push(promise);
  };
  for (const item of items.slice(0, count + 1)) start(item);
  for (let index = 0; index < items.length; index += 1) {
    yield await (loading.shift() as Promise<Loaded>);
    start(items[index + count + 1]);
  }
}
