/** All rows of an answer that comes in pages. */
export async function everyPage<Row>(
  read: (page: {
    readonly after?: string;
  }) => Promise<{ readonly rows: readonly Row[]; readonly next: string | undefined }>,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let after: string | undefined; ; ) {
    const page = await read(after === undefined ? {} : { after });
    rows.push(...page.rows);
    if (page.next === undefined) return rows;
    after = page.next;
  }
}
