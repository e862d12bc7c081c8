/** One line of a package set. */
export interface StoredPackage {
  readonly ecosystem: string;
  readonly name: string;
  /** '' where the format knows none. */
  readonly architecture: string;
  readonly version: string;
  readonly source: { readonly name: string; readonly version: string };
  /** rpm: stream of a module. */
  readonly module?: string;
}

export function packageKey(item: Omit<StoredPackage, 'source'>): string {
  return `${item.ecosystem}/${item.name}/${item.architecture}/${item.version}\n`;
}

/** PostgreSQL's text form of an array: an array of arrays would have to be rectangular. */
export function arrayText(ids: readonly number[]): string {
  return `{${ids.join(',')}}`;
}
