// A stand-in for a third party's payment service, so that the demo needs no account anywhere.
// It is a process of its own, spoken to over real HTTP, and it traces nothing: what a caller sends is all it knows.
//
//   POST /charges   {amount, item}  201 | 402 where the amount is over the limit; slow where the item says so
//   POST /refunds   {order}         201
//   GET  /headers                   the trace headers of the last call, for people (and tests) who want to see them
import { createServer, type IncomingMessage } from 'node:http';

const LIMIT = 100_000;
const USUAL_MS = 30;
const SLOW_MS = 1_300;

let lastHeaders: Record<string, string | undefined> = {};

const server = createServer((request, response) => {
  const answer = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  if (request.method === 'GET' && request.url === '/headers') {
    answer(200, lastHeaders);
    return;
  }
  const { traceparent, tracestate, baggage } = request.headers;
  lastHeaders = {
    traceparent: traceparent?.toString(),
    tracestate: tracestate?.toString(),
    baggage: baggage?.toString(),
  };
  readJson(request).then(
    (body) => {
      const { amount = 0, item = '' } = body as { amount?: number; item?: string };
      if (request.method === 'POST' && request.url === '/charges') {
        const declined = amount > LIMIT;
        setTimeout(
          () =>
            declined
              ? answer(402, { error: 'card_declined', message: 'the card was declined' })
              : answer(201, { id: `ch_${Date.now().toString(36)}`, amount }),
          item.startsWith('slow') ? SLOW_MS : USUAL_MS,
        );
      } else if (request.method === 'POST' && request.url === '/refunds')
        answer(201, { id: `re_${Date.now().toString(36)}` });
      else answer(404, { error: 'not_found' });
    },
    () => answer(400, { error: 'invalid_json' }),
  );
});

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > 100_000) throw new Error('too large');
  }
  return text === '' ? {} : (JSON.parse(text) as unknown);
}

server.listen(Number(process.env['PAYMENT_PORT'] ?? 0), '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  console.log(`payment stand-in listening on http://127.0.0.1:${port}`);
  process.send?.({ ready: true, port });
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
// The demo that started it may be killed: without it the stand-in has no reason to live.
process.on('disconnect', () => process.exit(0));
