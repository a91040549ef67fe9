import { cutText, displayWidth, fitText } from './display-text.ts';
import type { Paint, Style } from './colors.ts';

/** One column of a table: what stands over it, and how its cells are aligned. */
export interface TableColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Gives way where the terminal is narrow; the others keep their width. */
  readonly flexible?: true;
}

export interface Cell {
  readonly text: string;
  readonly style?: Style;
}

/** Rows under their titles, no line longer than `width` unless the fixed columns alone are. Cells must be safe text. */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly Cell[])[],
  width: number,
  paint: Paint,
): string {
  const widths = columns.map(({ title }, i) =>
    rows.reduce((most, row) => Math.max(most, displayWidth(row[i].text)), displayWidth(title)),
  );
  const total = widths.reduce((sum, one) => sum + one, 2 * (columns.length - 1));
  const flexible = columns.findIndex((column) => column.flexible);
  if (flexible >= 0 && total > width) widths[flexible] = Math.max(8, widths[flexible] - (total - width));
  const line = (cells: readonly Cell[]): string =>
    cells
      .map(({ text, style }, i) => {
        const isLast = i === cells.length - 1 && columns[i].align !== 'right';
        const fitted = isLast ? cutText(text, widths[i]) : fitText(text, widths[i], columns[i].align);
        return style === undefined ? fitted : paint(style, fitted);
      })
      .join('  ');
  return [line(columns.map(({ title }) => ({ text: title, style: 'dim' as const }))), ...rows.map(line)].join('\n');
}
