// What a tracer adds to an HTTP server: CPU a request, latency at half of what the bare server can take, memory.
// All subjects live at once and are loaded in turn, several times, so that a noisy minute hits each of them.
import { type ChildProcess, fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { spawnSync } from 'node:child_process';

const option = (name: string, fallback: string): string =>
  process.argv.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback;
const frameworks = option('frameworks', 'plain,fastify').split(',');
const subjects = option('subjects', 'bare,storage,forge,otel,datadog').split(',');
const rounds = Number(option('rounds', '5'));
const seconds = Number(option('seconds', '3'));
const canPin = spawnSync('taskset', ['-c', '1', 'true']).status === 0;

interface Usage {
  readonly cpuUs: number;
  readonly rssBytes: number;
  readonly spans: number;
}
interface Load {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}
interface Subject {
  readonly name: string;
  readonly process: ChildProcess;
  readonly port: number;
  readonly cpuUs: number[];
  readonly p50Ms: number[];
  readonly p99Ms: number[];
  rssBytes: number;
  spansPerRequest: number;
}

function start(file: string, core: number, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const url = new URL(file, import.meta.url).pathname;
  const child = fork(url, args, { env: { ...process.env, ...env }, execArgv: ['--expose-gc'] });
  if (canPin) spawnSync('taskset', ['-a', '-c', '-p', String(core), String(child.pid)]);
  child.on('exit', (code) => {
    if (code !== 0 && code !== null) throw new Error(`${file} ${args.join(' ')} ended with ${code}`);
  });
  return child;
}

function ask<T>(child: ChildProcess, message: object | undefined): Promise<T> {
  return new Promise((resolve) => {
    child.once('message', (answer) => resolve(answer as T));
    if (message !== undefined) child.send(message);
  });
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;

// dd-trace encodes and sends whatever happens; this answers it.
const agent = createServer((request, response) => {
  request.resume();
  request.on('end', () => response.setHeader('content-type', 'application/json').end('{"rate_by_service":{}}'));
});
await new Promise<void>((resolve) => agent.listen(0, '127.0.0.1', resolve));
const agentUrl = `http://127.0.0.1:${(agent.address() as AddressInfo).port}`;
const load = start('./http-load.js', 1, []);

for (const framework of frameworks) {
  const all: Subject[] = [];
  for (const name of subjects) {
    const child = start('./http-server.js', 0, [framework, name], { BENCH_AGENT_URL: agentUrl });
    const { port } = await ask<{ port: number }>(child, undefined);
    all.push({ name, process: child, port, cpuUs: [], p50Ms: [], p99Ms: [], rssBytes: 0, spansPerRequest: 0 });
  }
  for (const { port } of all) await ask<Load>(load, { port, connections: 32, seconds: 2, rate: 0 });
  const first = all[0];
  const most = await ask<Load>(load, { port: first.port, connections: 32, seconds: 2, rate: 0 });
  const rate = Math.round(most.perSecond / 2);
  for (let round = 0; round < rounds; round++) {
    // Each begins a round in turn.
    for (let i = 0; i < all.length; i++) {
      const subject = all[(i + round) % all.length];
      const before = await ask<Usage>(subject.process, {});
      const busy = await ask<Load>(load, { port: subject.port, connections: 32, seconds, rate: 0 });
      const after = await ask<Usage>(subject.process, {});
      subject.cpuUs.push((after.cpuUs - before.cpuUs) / busy.requests);
      subject.spansPerRequest = (after.spans - before.spans) / busy.requests;
      subject.rssBytes = after.rssBytes;
      const half = await ask<Load>(load, { port: subject.port, connections: 64, seconds, rate });
      subject.p50Ms.push(half.p50Ms);
      subject.p99Ms.push(half.p99Ms);
    }
  }
  const bareUs = median(first.cpuUs);
  const otel = all.find(({ name }) => name === 'otel');
  const otelAdds = otel === undefined ? Number.NaN : median(otel.cpuUs) - bareUs;
  console.log(
    `\n${framework}: ${rounds} rounds of ${seconds} s, Node ${process.version}, ${canPin ? 'server on core 0, load on core 1' : 'not pinned'}; latency at ${rate} requests/s`,
  );
  console.table(
    Object.fromEntries(
      all.map((subject) => {
        const cpuUs = median(subject.cpuUs);
        return [
          subject.name,
          {
            'CPU us a request': cpuUs.toFixed(1),
            'added us': (cpuUs - bareUs).toFixed(1),
            'of OpenTelemetry': ((cpuUs - bareUs) / otelAdds).toFixed(2),
            'p50 ms': median(subject.p50Ms).toFixed(3),
            'p99 ms': median(subject.p99Ms).toFixed(3),
            'RSS MB': (subject.rssBytes / 1e6).toFixed(0),
            'spans a request': subject.spansPerRequest.toFixed(2),
          },
        ];
      }),
    ),
  );
  for (const { process: child } of all) child.disconnect();
}
load.disconnect();
agent.close();
agent.closeAllConnections();
