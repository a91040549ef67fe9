// What it costs to record a span that is undecided, against one that the head decision took, up to its export queue.
// One subject a process. Prints nanoseconds a span, the median of many rounds.
import { Diagnostics, Kind, TracerProvider, type SpanData } from '@forge/core';
import { createSampling } from '@forge/sampling';

const ROUNDS = 30;
const SPANS = 40_000;
const QUEUE = 8192;

const subject = process.argv[2];
if (subject !== 'head-sampled' && subject !== 'undecided') throw new Error('one of head-sampled, undecided');

// The shape of an export queue: a ring that is emptied as fast as it fills.
const queue: (SpanData | undefined)[] = Array.from({ length: QUEUE }, () => undefined);
let pushed = 0;
const sink = {
  push(span: SpanData) {
    queue[pushed++ & (QUEUE - 1)] = span;
  },
  flush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};
const { sampler, pipeline } = createSampling({
  sampleRate: subject === 'head-sampled' ? 1 : 0,
  sink,
  diagnostics: new Diagnostics(() => undefined),
});
const tracer = new TracerProvider({ serviceName: 'bench', sampler, pipeline }).getTracer('bench');
const paths = ['/api/orders', '/api/users', '/api/orders/42/items', '/healthz'];

function request(i: number): void {
  tracer
    .start('http.request', Kind.server)
    .set('method', 'GET')
    .set('path', paths[i & 3])
    .set('status', 200)
    .end();
}

const rounds: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const start = process.hrtime.bigint();
  for (let i = 0; i < SPANS; i++) request(i);
  rounds.push(Number(process.hrtime.bigint() - start) / SPANS);
  // Timers run: the ring drops what is old.
  await new Promise((resolve) => setTimeout(resolve, 5));
}
rounds.splice(0, 5);
rounds.sort((a, b) => a - b);
console.log(
  JSON.stringify({
    subject,
    nsPerSpan: Math.round(rounds[rounds.length >> 1]),
    fastestRound: Math.round(rounds[0]),
    pushed,
  }),
);
process.exit(0);
