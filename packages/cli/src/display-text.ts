const ASCII = /^[\x20-\x7e]*$/;
// What a terminal would act on instead of showing: controls, escapes, and marks that reorder a line.
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const WIDE =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|[\u{20000}-\u{3fffd}]|\ufe0f/u;
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\u200b-\u200d]+$/u;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** `text` without anything that a terminal would act on: a span's name must not move the cursor. */
export function safeText(text: string): string {
  return ASCII.test(text) ? text : text.replace(UNSAFE, '\ufffd');
}

/** How many columns of a terminal `text` takes. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** `text` in exactly `width` columns: cut with an ellipsis, or filled up with spaces. */
export function fitText(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const cut = cutText(text, width);
  const fill = ' '.repeat(Math.max(0, width - displayWidth(cut)));
  return align === 'left' ? cut + fill : fill + cut;
}

/** `text` in at most `width` columns, with an ellipsis where something is missing. */
export function cutText(text: string, width: number): string {
  if (ASCII.test(text) ? text.length <= width : displayWidth(text) <= width) return text;
  if (width <= 0) return '';
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    const next = graphemeWidth(segment);
    if (used + next > width - 1) break;
    kept += segment;
    used += next;
  }
  return `${kept}…`;
}

function graphemeWidth(grapheme: string): number {
  if (ZERO_WIDTH.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}
