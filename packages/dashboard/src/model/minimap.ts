import { endOf, type Trace } from './trace.ts';
import { STATUS_ERROR } from './span-table.ts';
import type { TimeScale } from './time-scale.ts';

/** A picture of the whole trace: which service runs where, one number a pixel. */
export interface MinimapRaster {
  readonly width: number;
  readonly height: number;
  /** Position of the service in `strings`, -1 for a stand-in, -2 for nothing; row by row. */
  readonly service: Int32Array;
  /** 1 where a failed span runs. */
  readonly error: Uint8Array;
}

export const NOTHING = -2;
const MAX_LINE_PX = 10;

/**
 * Draws all spans in the order of the tree into `width` x `height` pixels. Linear in spans and pixels whatever their
 * lengths, or those below `focus`: a pixel is filled once (the first span wins), and filled stretches are jumped over.
 */
export function rasterize(
  trace: Trace,
  scale: TimeScale,
  width: number,
  height: number,
  focus?: number,
): MinimapRaster {
  const service = new Int32Array(width * height).fill(NOTHING);
  const error = new Uint8Array(width * height);
  const perUs = scale.length > 0 ? width / scale.length : 0;
  const nextFree = new Int32Array(width + 1);
  let line = -1;
  const first = focus ?? 0;
  const count = focus === undefined ? trace.count : trace.size[focus];
  for (let node = first; node < first + count; node++) {
    const y = Math.floor(((node - first) * height) / count);
    // Few spans get thick lines with a gap between them.
    const nextY = Math.ceil(((node - first + 1) * height) / count);
    const thickness = Math.min(MAX_LINE_PX, nextY - y > 3 ? nextY - y - 1 : nextY - y);
    const lastY = y + Math.max(1, thickness) - 1;
    if (y !== line) {
      line = y;
      for (let x = 0; x <= width; x++) nextFree[x] = x;
    }
    const from = Math.min(width - 1, Math.max(0, Math.floor(scale.place(trace.start[node]) * perUs)));
    const to = Math.min(width, Math.max(from + 1, Math.ceil(scale.place(endOf(trace, node)) * perUs)));
    const failed = trace.status[node] === STATUS_ERROR;
    if (failed) error[y * width + from] = 1;
    for (let x = free(nextFree, from); x < to; x = free(nextFree, x)) {
      for (let fillY = y; fillY <= lastY; fillY++) service[fillY * width + x] = trace.service[node]!;
      nextFree[x] = x + 1;
    }
  }
  return { width, height, service, error };
}

/** The first pixel from `x` on that is not filled, shortening the way for the next. */
function free(nextFree: Int32Array, x: number): number {
  let root = x;
  while (nextFree[root] !== root) root = nextFree[root]!;
  for (let at = x; nextFree[at] !== root;) {
    const next = nextFree[at];
    nextFree[at] = root;
    at = next;
  }
  return root;
}
