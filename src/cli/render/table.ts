import { stripVTControlCharacters } from 'node:util';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
  /** Colours a cell after it was padded; never changes what it says. */
  readonly paint?: (text: string, row: Row) => string;
}

const GAP = '  ';

/**
 * Plain columns, two blanks apart, one line a row, no trailing blanks: made for eyes and for grep. Foreign text is
 * stripped of terminal control sequences, so that a package name cannot rewrite the screen.
 */
export function renderTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const widths = columns.map((column, at) =>
    cells.reduce((width, line) => Math.max(width, (line[at] as string).length), column.title.length),
  );
  const pad = (text: string, at: number): string =>
    columns[at]?.align === 'right' ? text.padStart(widths[at] as number) : text.padEnd(widths[at] as number);
  const head = columns.map((column, at) => pad(column.title, at)).join(GAP);
  const body = cells.map((line, index) =>
    line
      .map((text, at) => {
        const paint = columns[at]?.paint;
        const padded = at === columns.length - 1 && columns[at]?.align !== 'right' ? text : pad(text, at);
        return paint === undefined ? padded : paint(padded, rows[index] as Row);
      })
      .join(GAP),
  );
  return [head, ...body].map((line) => line.replace(/ +$/, '')).join('\n');
}

/** Text of foreign origin as one harmless line. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what has to go
  return stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, ' ');
}
