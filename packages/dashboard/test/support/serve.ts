// The built viewer on demo data, for looking at it and for measuring it. Prints one line of JSON and serves until killed:
// `node --conditions=@forge/source --import tsx packages/dashboard/test/support/serve.ts 4400`.
import { fileURLToPath } from 'node:url';
import { findChromium } from './chromium.ts';
import { demoSpans, TRACES } from './demo-store.ts';
import { shapeTraceId, SHAPES, type ShapeName } from './shapes.ts';
import { startTestServer } from './test-server.ts';

const COUNTS: Readonly<Record<ShapeName, readonly number[]>> = {
  tree: [1_000, 10_000, 100_000],
  chain: [70_000],
  siblings: [100_000],
  overlapping: [100_000],
  instants: [100_000],
  cycle: [10_000],
  orphans: [10_000],
  manyServices: [10_000],
};

const dir = fileURLToPath(new URL('../../dist/client/', import.meta.url));
const server = await startTestServer({ dir, spans: demoSpans(Date.now()), port: Number(process.argv[2] ?? 0) });
server.gaps.set(TRACES.failed, [{ nodeId: 'b7c1e4d2', reason: 'late', atUnixUs: Date.now() * 1000 }]);
const shapes = (Object.keys(SHAPES) as ShapeName[]).flatMap((shape) =>
  COUNTS[shape].map((count) => ({ name: `${shape} ${count}`, traceId: shapeTraceId(shape, count), count })),
);
console.log(JSON.stringify({ url: server.url, dir, chromium: findChromium(), traces: TRACES, shapes }));
