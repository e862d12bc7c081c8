/** What the paged readers of the inventory answer with. */
interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | undefined;
}

/** Rows of one page; large, so that a fleet takes few round trips. */
const PAGE = 5_000;

/** All pages of a reader, one after the other. */
export async function allRows<Row>(
  read: (page: { readonly limit: number; readonly after?: string }) => Promise<Page<Row>>,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let after: string | undefined; ; ) {
    const page = await read(after === undefined ? { limit: PAGE } : { limit: PAGE, after });
    rows.push(...page.rows);
    if (page.next === undefined) return rows;
    after = page.next;
  }
}
