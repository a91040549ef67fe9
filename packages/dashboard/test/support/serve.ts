// The viewer on demo data, for looking at it: `node --conditions=@forge/source --import tsx test/support/serve.ts 4400`.
import { fileURLToPath } from 'node:url';
import { demoSpans, TRACES } from './demo-store.ts';
import { startTestServer } from './test-server.ts';

const server = await startTestServer({
  dir: fileURLToPath(new URL('../../dist/client/', import.meta.url)),
  spans: demoSpans(Date.now()),
  port: Number(process.argv[2] ?? 0),
});
server.gaps.set(TRACES.failed, [{ nodeId: 'b7c1e4d2', reason: 'late', atUnixUs: Date.now() * 1000 }]);
console.log(server.url);
