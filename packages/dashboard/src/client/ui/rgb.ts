/** A colour as computed by CSS (`rgb(…)`, `color(srgb …)`), as one little-endian RGBA word for image data. */
export function rgbOf(color: string): number {
  const numbers = color.match(/-?\d*\.?\d+/g)?.map(Number) ?? [0, 0, 0];
  const scale = color.startsWith('color(') ? 255 : 1;
  const [red, green, blue] = numbers.map((value) => Math.round(value * scale));
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}
