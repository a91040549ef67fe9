const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/**
 * A bar on a line of `width` columns that stands for `totalUs`: to an eighth of a column at its end, to half a column
 * at its start, and never less than a sliver, so that a short span is still there to see.
 */
export function timeBar(offsetUs: number, durationUs: number, totalUs: number, width: number): TimeBar {
  const scale = totalUs > 0 ? (width * 8) / totalUs : 0;
  const from = clamp(Math.round(offsetUs * scale), 0, width * 8 - 1);
  const to = clamp(Math.round((offsetUs + durationUs) * scale), from + 1, width * 8);
  const firstColumn = Math.floor(from / 8);
  const lead = from % 8;
  let text = '';
  let column = firstColumn;
  const end = Math.floor(to / 8);
  if (column < end) {
    text += lead >= 4 ? '▐' : '█';
    column++;
    text += '█'.repeat(end - column);
    column = end;
    if (to % 8 !== 0) {
      text += EIGHTHS[to % 8];
      column++;
    }
  } else {
    text = EIGHTHS[Math.max(1, to - end * 8)];
    column++;
  }
  return { before: firstColumn, text, after: width - column };
}

/** Columns of space, the bar, columns of space. */
export interface TimeBar {
  readonly before: number;
  readonly text: string;
  readonly after: number;
}

function clamp(value: number, min: number, max: number): number {
  return value < min ? min : value > max ? max : value;
}
